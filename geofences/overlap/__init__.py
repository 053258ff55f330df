"""How much of a district an outline covers: from the crossings of boundaries alone."""
