"""The kinds of targets: each file describes one as `KIND`, and `warnsys/registry.py` finds it (docs/adr/0027)."""
