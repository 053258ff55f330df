"""Delivery brings notices from a channel's topic to their receivers, and knows what became of each (docs/adr/0027)."""
