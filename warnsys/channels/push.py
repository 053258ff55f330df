"""App push: one notice a material change and audience, naming the districts. What changed comes first."""

from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.channels.wording import Place
from warnsys.records import Localised, PushNotice
from warnsys.settings import LIVE
from warnsys.warning.change import Change, notice_id
from warnsys.warning.situation import Situation

LONGEST_TTL_S = 86_400
ENDED_TTL_S = 3_600
WHAT: dict[str, Localised] = {
    "raised": {"de": "hochgestuft", "en": "raised"},
    "now a warning": {"de": "jetzt Warnung", "en": "now a warning"},
    "entered": {"de": "jetzt auch hier", "en": "now here, too"},
    "revived": {"de": "gilt wieder", "en": "holds again"},
    "extended": {"de": "verlängert", "en": "extended"},
    "shortened": {"de": "verkürzt", "en": "shortened"},
    "begins earlier": {"de": "beginnt früher", "en": "begins earlier"},
    "begins later": {"de": "beginnt später", "en": "begins later"},
    "lowered": {"de": "herabgestuft", "en": "lowered"},
}


def notice(place: Place, change: Change, situation: Situation, stage: str) -> PushNotice:
    meaning = change.meaning
    expires = meaning.expires
    remaining = LONGEST_TTL_S if expires is None else int((expires - situation.now).total_seconds())
    serious = level(meaning.severity) >= 3 and not meaning.advance and change.kind in ("warn", "update")
    return PushNotice(
        id=change_id(place, change, stage),
        stage=stage,
        exercise=stage != LIVE,
        city=place.id,
        audience=change.audience,
        kind=change.kind,
        reason=change.reason,
        cause=change.cause,
        issued=situation.now,
        level=level(meaning.severity),
        severity=meaning.severity,
        group=meaning.group,
        districts=change.districts,
        onset=meaning.onset,
        expires=expires,
        title=_title(change, exercise=stage != LIVE),
        body=_body(place, change),
        link=place.link.replace("{city}", place.id).replace("{district}", change.districts[0]),
        ttl_s=ENDED_TTL_S if change.kind == "ended" else max(0, min(remaining, LONGEST_TTL_S)),
        urgency="high" if serious else "normal",
        collapse_key=f"{place.id}-{meaning.group}".lower()[:32],
    )


def change_id(place: Place, change: Change, stage: str) -> str:
    return notice_id(stage, place.id, change.channel, change.audience, *change.identity)


def _title(change: Change, *, exercise: bool) -> Localised:
    event, label = event_name(change.meaning), wording.label(change.meaning)
    if change.kind == "ended":
        title = {
            "de": f"Die Wetterwarnung ist beendet: {event['de']}",
            "en": f"The weather warning has ended: {event['en']}",
        }
    else:
        title = {language: f"{label[language]}: {event[language]}" for language in wording.LANGUAGES}
    if exercise:
        title = {language: f"{wording.EXERCISE[language]} – {text}" for language, text in title.items()}
    return title


def _body(place: Place, change: Change) -> Localised:
    meaning = change.meaning
    names = wording.where(place, change.districts)
    credit = wording.credit(meaning, shortened=True)
    if change.kind == "ended":
        return {lang: f"{names[lang]}. {wording.ENDED[lang]} {credit[lang]}" for lang in wording.LANGUAGES}
    when, height = (
        wording.period(meaning.onset, meaning.expires, place.timezone),
        wording.heights(meaning, change.districts),
    )
    found = {}
    for lang in wording.LANGUAGES:
        what = "" if change.kind == "warn" else WHAT[change.reason][lang]
        lead = ", ".join(part for part in (f"{names[lang]}: {what}" if what else names[lang], height.get(lang)) if part)
        found[lang] = f"{lead}. {when[lang]}. {credit[lang]}"
    return found
