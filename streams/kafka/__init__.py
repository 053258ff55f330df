"""Topics, rights, producers and readers: all that talks to the broker."""
