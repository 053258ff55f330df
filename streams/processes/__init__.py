"""What a unit or a container starts: worker, feed, web, audit, canary, replay."""
