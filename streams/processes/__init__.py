"""The processes that a unit, a container or a command starts: worker, feed, web, audit, canary, replay."""
