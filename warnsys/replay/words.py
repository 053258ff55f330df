"""What the report calls things, in German, and why somebody was not told."""

from warnsys.records import Meaning
from warnsys.warning.policy import Rule

AUDIENCES = {"public": "Öffentlichkeit", "staff": "Stab"}
KINDS = {"warn": "Neue Warnung", "update": "Änderung", "lowered": "Herabgestuft", "ended": "Beendet"}
ADVANCE_KINDS = {
    "warn": "Neue Vorabinformation",
    "update": "Vorabinformation geändert",
    "lowered": "Herabgestuft: Vorabinformation",
    "ended": "Vorabinformation beendet",
}
REASONS = {
    "entered": "galt hier vorher nicht",
    "revived": "war zurückgezogen und steht wieder im Feed",
    "raised": "hochgestuft",
    "now a warning": "aus der Vorabinformation ist eine Warnung geworden",
    "announced": "Vorabinformation, neben einer Warnung, die weiter gilt",
    "extended": "verlängert",
    "shortened": "verkürzt",
    "begins earlier": "beginnt früher",
    "begins later": "beginnt später",
    "lowered": "herabgestuft; wer gewarnt wurde, erfährt davon",
    "cancelled": "aufgehoben; wer gewarnt wurde, erfährt davon",
    "superseded": "ersetzt durch eine Meldung, die hier nicht warnt",
    "withdrawn": "steht nicht mehr im Feed",
    "expired": "früher abgelaufen, als mitgeteilt war",
}
LOUDNESS = {"full": "Vollbild", "banner": "Banner", "tile": "Kachel"}
"""How loud a stele shows a warning."""
PHASES = {"warning": "Warnung", "advance": "Vorabinformation", "expired": "abgelaufen, unbestätigt"}
DECIDED = {"matched": "trifft zu", "no_district": "anderswo", "not_live": "warnt nicht", "rejected": "nicht lesbar"}
SEVERITIES = {
    "Minor": "Stufe 1", "Moderate": "Stufe 2", "Severe": "Stufe 3", "Extreme": "Stufe 4", "never": "keiner Stufe",
}  # fmt: skip


STATUS = {
    "warned": "gewarnt",
    "unconfirmed": "abgelaufen, Bestätigung steht aus",
    "clear": "keine Warnung",
    "no_data": "keine Daten",
}
FRESHNESS = {"fresh": "aktuell", "incomplete": "unvollständig", "stale": "veraltet", "none": "noch kein Stand"}


def why_not(rule: Rule, meanings: tuple[Meaning, ...]) -> str:
    """Why an audience was not told of a message on a channel, a sentence."""
    if not meanings:
        return "Warnt hier niemanden, und niemand war von dem, was sie beendet, unterrichtet."
    if any(rule.tells(meaning) for meaning in meanings):
        return "Nichts Neues: gleiche Stufe und Ereignisart sind hier schon mitgeteilt."
    meaning = meanings[0]
    least = rule.advance if meaning.advance else rule.warnings
    if least == "never":
        return (
            f"Zurückgehalten: {'Vorabinformationen' if meaning.advance else 'Warnungen'} gehen nicht auf diesen Kanal."
        )
    if meaning.group in rule.except_groups:
        return "Zurückgehalten: diese Art Ereignis geht nicht auf diesen Kanal."
    if rule.leaves_out(meaning):
        return (
            "Zurückgehalten: die Gefahr ist schon vorbei (Past). Das zeigen die Stelen, und dem Stab wird es "
            "nach seinen Regeln mitgeteilt."
        )
    what = "Vorabinformationen" if meaning.advance else "Warnungen"
    return f"Zurückgehalten: {what} gehen hier erst ab {SEVERITIES[least]} hinaus."
