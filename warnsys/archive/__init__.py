"""Every snapshot that a source gave, kept and found again."""
