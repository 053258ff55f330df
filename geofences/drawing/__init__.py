"""The map of a city's districts: as a page and as an image."""
