"""`warnsys match`: who an alert would warn, by which rule, and if nobody, why not."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from geofences import bundled, load
from warnsys.channels.registry import channel_of, said_parts
from warnsys.channels.words import LANGUAGES
from warnsys.cli.common import LocalOption, complain, fail, load_settings, moment_of, out, refusing, say
from warnsys.disk import cap_files, disk_says
from warnsys.explain import Explained, explain
from warnsys.pipeline import CityRules, cities_for, matcher_for
from warnsys.records import ChangeNotice, Notice
from warnsys.replay.alone import ToldAlone, told_alone
from warnsys.settings import LIVE, City, Settings, SettingsError, parse


def match(
    files: Annotated[list[Path], typer.Argument(help="CAP files, ZIPs, or folders of them.")],
    geofences: Annotated[
        Path | None, typer.Option(help="GeoJSON of districts; Solingen's where none is given.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="Cities and policy, instead of --geofences.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Judge at this time (UTC), instead of the alert's own sent: 2027-07-14T12:00.")
    ] = None,
    local: LocalOption = False,
    exercise: Annotated[bool, typer.Option("--exercise", help="Judge as in an exercise, such as the demo.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line, an alert each.")] = False,
) -> None:
    """Say which districts each alert would warn, by which rule or why not, and each channel's words."""
    if geofences and settings:
        fail("--settings names geofences, too; leave out --geofences")
    chosen = load_settings(settings) if settings else _settings_for(geofences or bundled())
    stage = "exercise" if exercise else LIVE
    chosen = chosen.model_copy(update={"stage": stage})
    with refusing():
        matcher = matcher_for(chosen)
        cities = cities_for(chosen, matcher)
    zone = chosen.cities[0].timezone
    moment = moment_of(at, last=False, zone=zone if local else UTC)
    failed = False
    for path in files:
        found = False
        for file in cap_files(path):
            found = True
            try:
                for explained in explain(file, matcher, moment, stage):
                    told = _told(explained, cities, chosen, moment)
                    _show(explained, told, zone, as_json=as_json)
            except BrokenPipeError:  # whoever read our output went away: that is no fault of the file
                raise
            except OSError as error:
                complain(disk_says(error, file))
                failed = True
        if not found:
            complain(f"{path}: nothing in it is CAP; name a folder with files *.xml, *.cap or *.zip")
            failed = True
    if failed:
        raise typer.Exit(2)


def _settings_for(geofences: Path) -> Settings:
    """The cities of a file of districts, with the default policy."""
    with refusing():
        names = sorted({district.city for district in load(geofences)})
        try:
            cities = [City(id=name, name=name.title(), geofences=geofences).model_dump() for name in names]
            return parse({"cities": cities})
        except ValueError as error:
            raise SettingsError(f"{geofences}: {error}; name its cities in settings, and take --settings") from error


def _told(
    explained: Explained, cities: Mapping[str, CityRules], settings: Settings, at: datetime | None
) -> ToldAlone | None:
    outcome = explained.decision.outcome
    moment = at or outcome.sent
    if outcome.decided != "matched" or moment is None:
        return None
    return told_alone(outcome, cities, settings.sources[0].name, moment)


def _show(explained: Explained, told: ToldAlone | None, zone: ZoneInfo, *, as_json: bool) -> None:
    plain = explained.plain(zone)
    if as_json:
        typer.echo(json.dumps({**plain, **_plain(told)}, ensure_ascii=False))
        return
    style = {"matched": "bold green", "rejected": "bold red"}.get(plain["outcome"], "bold yellow")
    out.print(f"[{style}]{plain['outcome']}[/] {escape(plain['identifier'])}", highlight=False, soft_wrap=True)
    hint = "; --exercise says whom it would warn in one" if plain["reason"] == "exercise" else ""
    say(f"  {plain['file']}: {plain['reason']}{hint}")
    for said in plain["text"]:
        say(f"  {said}")
    table = Table(box=None, padding=(0, 2))
    for head in ("District", "", "Share", "Via", "Reason"):
        table.add_column(head)
    for found, mark in [*((m, "warned") for m in plain["matches"]), *((m, "–") for m in plain["unmatched"])]:
        share = "" if found["share"] is None else f"{found['share']:.4f}"
        table.add_row(found["name"], mark, share, found["via"] or "", found["reason"])
    if table.row_count:
        out.print(table)
    if told:
        say("  Were nothing told before, the channels would say (--json has English, too):")
        for said in told.texts:
            say(f"    {said}")
        for said in told.silent:
            say(f"    – {said}")


def _languages(notice: Notice) -> tuple[str, ...]:
    """Those of its words. A record that is in one language names it, or nothing for German; others have all."""
    own: str | None = getattr(notice, "language", "")
    return LANGUAGES if own == "" else (own or LANGUAGES[0],)


def _plain(told: ToldAlone | None) -> dict[str, Any]:
    if told is None:
        return {"told": [], "silent": []}
    return {
        "told": [
            {
                "channel": channel_of(one),
                "audience": one.audience if isinstance(one, ChangeNotice) else "public",
                "districts": list(one.districts) if isinstance(one, ChangeNotice) else [one.district],
                **{language: " – ".join(said_parts(one, language)) for language in _languages(one)},
            }
            for one in told.notices
        ],
        "silent": list(told.silent),
    }
