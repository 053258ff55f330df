"""Measures how much of a district an outline covers, from the crossings of their boundaries alone."""
