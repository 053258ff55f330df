"""`warnsys check`: what is wrong with CAP files, where, and what to do about it."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from warnsys.cap.cells import catalogue
from warnsys.cap.document import ZONE
from warnsys.check import Checked, check_content
from warnsys.cli.common import complain, fail, out, say
from warnsys.disk import cap_files, content_of, disk_says

STYLES = {"ok": "green", "mended": "yellow", "rejected": "bold red"}


def check(
    files: Annotated[list[Path], typer.Argument(help="CAP files, ZIPs, or folders of them.")],
    zone: Annotated[
        str, typer.Option("--timezone", help="Whose clocks are meant where a time has no offset.")
    ] = ZONE.key,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line, a message each.")] = False,
) -> None:
    """Say of each message whether it is taken, and all that is worth knowing; exit code 1 where one is rejected."""
    now, verdicts, known_cells = datetime.now(UTC), Counter[str](), catalogue()
    try:
        clocks = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        fail(f"--timezone: {zone!r} is no time zone; write one like 'Europe/Berlin'")
    failed = False
    for file in (file for path in files for file in cap_files(path)):
        try:
            for checked in check_content(str(file), content_of(file), now, known_cells, clocks):
                verdicts[checked.verdict] += 1
                if as_json:
                    typer.echo(json.dumps(checked.plain(), ensure_ascii=False))
                else:
                    _show(checked)
        except BrokenPipeError:  # whoever read our output went away: that is no fault of the file
            raise
        except OSError as error:
            complain(disk_says(error, file))
            failed = True
    if not as_json:
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "nothing found"
        say(told, style="bold")
    if failed:
        raise typer.Exit(2)
    if verdicts["rejected"]:
        raise typer.Exit(1)


def _show(checked: Checked) -> None:
    out.print(f"[{STYLES[checked.verdict]}]{checked.verdict:9}[/] ", end="")
    say(checked.file)
    for one in checked.findings:
        say(f"          {one.level} {one.code} at {one.xpath}: {one.text}")
