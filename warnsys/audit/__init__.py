"""The audit: what was decided, told, held back, acknowledged and stopped, and why; written down once, never changed."""
