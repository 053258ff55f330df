"""App push: one notice a material change and audience, naming the districts. What changed comes first."""

import base64
import hashlib
import json

from warnsys.cap.model import level
from warnsys.channels import advice, still, wording
from warnsys.channels.common import common_fields, district_link, in_one_text
from warnsys.channels.events import event_name
from warnsys.channels.news import aftermath, ended, news, why_ended
from warnsys.channels.registry import Channel
from warnsys.channels.wording import CityInfo
from warnsys.channels.words import in_language, say
from warnsys.records import Localised, PushNotice
from warnsys.settings import LIVE
from warnsys.warning.notify import Change
from warnsys.warning.policy import Rule
from warnsys.warning.situation import Situation

LONGEST_TTL_S = 86_400
ENDED_TTL_S = 3_600


def notice(place: CityInfo, change: Change, situation: Situation, stage: str) -> PushNotice:
    meaning = change.meaning
    expires = meaning.expires
    remaining = LONGEST_TTL_S if expires is None else int((expires - situation.now).total_seconds())
    serious = level(meaning.severity) >= 3 and not meaning.advance and change.kind in ("warn", "update")
    common = common_fields(place, change, situation, stage)
    own = (common["id"],) if change.more else ()
    return PushNotice(
        **common,
        title=_title(change, exercise=stage != LIVE),
        body=_body(place, change, situation),
        link=district_link(place, change.districts[0]),
        ttl_s=ENDED_TTL_S if change.kind == "ended" else max(0, min(remaining, LONGEST_TTL_S)),
        urgency="high" if serious else "normal",
        collapse_key=collapse_key(stage, place.id, change.audience, meaning.group, *change.districts, *own),
    )


def collapse_key(*parts: str) -> str:
    """A Topic of Web Push (RFC 8030, 5.4): 32 characters of base64url, which Apple can decode as 24 bytes.

    A later notice replaces an earlier one on the phone only for the same stage, city, audience, event group and
    districts: an end in one district must not hide what goes on in another. One that speaks for more groups replaces
    none: its own id is a part of its key.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def _title(change: Change, *, exercise: bool) -> Localised:
    event = event_name(change.meaning)
    if change.kind == "ended":
        title = say("title-ended", ended=ended(change), event=event)
    else:
        title = say("title", label=wording.label(change.meaning), event=event)
    if change.more:
        title = say("title-more", title=title, count=change.more)
    return say("title-exercise", title=title) if exercise else title


def _body(place: CityInfo, change: Change, situation: Situation) -> Localised:
    meaning = change.meaning
    source = wording.credit(meaning, shortened=True)
    goes_on = still.goes_on(place, change, situation)
    if change.kind == "ended":
        where = wording.capitals(wording.where(place, change.districts))
        return say(
            "push-ended", where=where, ended=ended(change), reason=why_ended(change),
            source=in_one_text(goes_on, aftermath(change, situation.now), source),
        )  # fmt: skip
    where = wording.capitals(wording.where_and_height(place, change.districts, meaning))
    when = wording.capitals(wording.period(meaning.onset, meaning.expires, place.timezone))
    new, source = news(change, situation, place.timezone), in_one_text(goes_on, advice.briefly(change), source)
    if new is None:
        return say("push-new", where=where, when=when, source=source)
    if new.says_end:
        return say("push-moved", where=where, news=new.text, source=source)
    return say("push-changed", where=where, news=new.text, when=when, source=source)


def _parts(notice: PushNotice, language: str) -> tuple[str, ...]:
    return tuple(in_language(text, language) for text in (notice.title, notice.body))


CHANNEL = Channel(
    name="push",
    order=20,
    called={"de": "Push", "en": "Push"},
    record=PushNotice,
    key="the notice's id",
    parts=_parts,
    word=notice,
    rules=(
        Rule(audience="public", channel="push", warnings="Moderate"),
        Rule(audience="staff", channel="push", warnings="Moderate", advance="Severe"),
    ),
)
