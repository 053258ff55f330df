"""The command `warnsys`: one file a command or group of commands, put together in `main`.

A command imports `streams`, the web and what draws inside its function: Faust, the Kafka clients and their like take a
second to load, and `warnsys check` needs none of them. Everything else is imported at the top.
"""
