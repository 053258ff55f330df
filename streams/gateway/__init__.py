"""A gateway on Kafka reads a channel and the operators' orders, calls targets, and tells what became of each notice."""
