"""Generators and checks around the project: nothing here is shipped, and nothing shipped imports it."""
