"""The worker: Faust with a strict transport, the agents, their state and offsets."""
