"""Generators of the tables and pictures in docs."""
