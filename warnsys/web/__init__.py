"""The web pages and their API: what operators, passers-by and apps see."""
