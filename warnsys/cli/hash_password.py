"""`warnsys hash-password`: an operator's password as the settings keep it."""

import typer

from warnsys.cli.common import say


def hash_password() -> None:
    """Ask for an operator's password, and say what to write for it into the table web.operators."""
    from warnsys.web.security import hashed

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    say(f'NAME = "{hashed(password)}"')
