"""Where other programs lie that tests start."""

import shutil
from pathlib import Path

POSTGRESQL = Path("/usr/lib/postgresql")
"""Debian keeps a server's programs here, a folder a version, and not in the path."""


def installed(program: str) -> str | None:
    """The path of a program; None where there is none."""
    versions = sorted(POSTGRESQL.glob(f"*/bin/{program}"))
    return shutil.which(program) or (str(versions[-1]) if versions else None)
