"""The command `warnsys`: one file a command."""
