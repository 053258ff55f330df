"""Districts from GeoJSON files: read, checked and refused with place and remedy."""
