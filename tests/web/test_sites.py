"""What the pages and the API say, and what they refuse; over a board in memory."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from fluent.runtime import FluentResource
from fluent.syntax import ast

from tests.support import at, live_tick, meaning, outcome, rejected, snapshot, tick
from tests.web.sites import LOGIN, Desk, settings
from tests.web.states import STATES
from warnsys.records import SteleRecord
from warnsys.web.board import TopicRecord
from warnsys.web.site import FOLDER
from warnsys.web.words import words

ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PUBLIC = ("/start", "/district/d1", "/stele/d1", "/embed/d1", "/api/districts", "/api/districts/d1/situation",
    "/api/districts.geojson")  # fmt: skip
PRIVATE = ("/", "/lagebericht", "/alert/A", "/stop/push", "/api/alerts", "/api/alerts/A", "/api/rejected", "/api/feeds",
    "/api/notices/all", "/api/stream/all", "/meldungen", "/hilfe", "/bezirk/d1", "/umgebung.geojson")  # fmt: skip


def warned(severity: str = "Severe") -> Desk:
    return Desk().take(tick(0), outcome("A", meaning(severity)), snapshot(0, "A"))


def calm() -> Desk:
    return Desk().take(tick(0), snapshot(0))


# -- nothing known never looks calm ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/start", "/district/d1", "/stele/d1", "/embed/d1", "/lagebericht", "/bezirk/d1"]
)
def test_a_page_without_any_record_says_that_nothing_is_known(path: str) -> None:
    text = Desk().page(path)
    assert "Keine verlässlichen Daten" in text
    assert "Keine Wetterwarnung" not in text


@pytest.mark.parametrize(
    "path", ["/", "/start", "/district/d1", "/stele/d1", "/embed/d1", "/lagebericht", "/bezirk/d1"]
)
def test_a_record_past_its_validity_is_no_data_whatever_it_said(path: str) -> None:
    desk = calm()
    assert "Keine Wetterwarnung" in desk.page(path)
    text = desk.later(4).page(path)
    assert "Keine verlässlichen Daten" in text
    assert "Keine Wetterwarnung" not in text


def test_the_api_calls_it_no_data_too() -> None:
    desk = warned().later(4)
    said = desk.public.get("/api/districts/d1/situation").json()
    assert (said["district"]["status"], said["district"]["freshness"], said["record"]) == ("no_data", "none", None)


def test_while_the_topics_cannot_be_read_the_dashboard_says_so() -> None:
    desk = warned()
    desk.board.connected = False
    assert 'role="alert">Keine Daten.' in desk.page("/")
    assert desk.operators.get("/health/ready").status_code == 503


def test_a_feed_without_a_new_stamp_is_told_with_its_last_one() -> None:
    assert "Datenquelle „dwd“: noch kein Stand." in warned().page("/")


def test_one_district_without_data_hides_nothing_that_is_known_of_the_others() -> None:
    desk = warned()
    del desk.board.steles["d2"]
    text = desk.page("/")
    assert "Keine verlässlichen Daten für: District 2" in text
    assert "Stufe 3 von 4" in text
    assert 'data-fresh-for="180"' in text


def test_silence_of_the_topics_is_told_before_the_records_are_too_old() -> None:
    desk = warned().later(1)
    text = desk.page("/")
    assert "Seit 1 min kam kein Datensatz mehr" in text
    assert "Stufe 3 von 4" in text


def test_a_slow_clock_of_the_web_machine_prolongs_no_record() -> None:
    desk = calm()
    desk.later(1).put("impacts", "", tick(1).to_bytes())
    desk.board.clock = lambda: at(-600)
    assert desk.board.clock_off()
    assert "Die Uhr des Web-Rechners geht falsch" in desk.page("/")
    desk.later(4)
    assert "Keine verlässlichen Daten" in desk.page("/stele/d1")


def test_one_tick_stamped_a_day_ahead_makes_no_page_blind() -> None:
    desk = warned()
    for minute in (0.2, 0.4, 0.6):
        desk.later(minute).put("impacts", "", live_tick(minute).to_bytes())
    desk.later(0.8).board.take(TopicRecord("impacts", "", live_tick(0.8).to_bytes(), {}, at(1440.8)))
    assert desk.board.now() == at(0.8)
    text = desk.page("/")
    assert "Stufe 3 von 4" in text
    assert "clock broker +86400 s" in text
    desk.later(1).put("impacts", "", live_tick(1).to_bytes())
    assert "clock broker" not in desk.page("/")


def test_a_web_clock_that_jumps_ahead_makes_no_page_blind_and_is_said() -> None:
    desk = warned()
    desk.put("impacts", "", live_tick(0).to_bytes())
    desk.board.clock = lambda: desk.now + timedelta(days=1)
    for minute in (0.2, 0.4, 0.6):
        desk.later(minute).put("impacts", "", live_tick(minute).to_bytes())
    text = desk.page("/")
    assert "Stufe 3 von 4" in text
    assert "Die Uhr des Web-Rechners geht falsch" in text


def test_a_record_of_a_time_that_went_too_far_ahead_is_replaced_and_never_outlives_its_own_length() -> None:
    desk = calm()
    held = desk.board.steles["d1"]
    ahead = timedelta(days=1)
    wrong = held.model_copy(update={"issued": held.issued + ahead, "valid_until": held.valid_until + ahead})
    desk.put("stele", "d1", wrong.to_bytes(), {"covers": "5"})
    desk.later(4)
    assert desk.board.stele("d1") is None
    right = held.model_copy(update={"issued": at(4), "valid_until": at(7)})
    desk.put("stele", "d1", right.to_bytes(), {"covers": "6"})
    assert desk.board.stele("d1") == right


def test_a_list_with_a_message_that_cannot_be_read_is_told_as_incomplete() -> None:
    assert "eine Warnung der Quelle ist nicht lesbar" in calm().take(rejected("B", 10), snapshot(10, "B")).page("/")


def test_a_record_that_a_cut_off_worker_sent_late_replaces_none_that_covers_more() -> None:
    """Both of the same minute, so only the header tells them apart; seen with the network of one worker cut."""
    desk = warned()
    held = desk.board.steles["d1"]
    desk.put("stele", "d1", held.to_bytes(), {"covers": "160"})
    desk.put("stele", "d1", held.model_copy(update={"status": "clear", "items": ()}).to_bytes(), {"covers": "34"})
    assert desk.board.steles["d1"] == held


def test_an_older_record_of_a_topic_that_is_read_again_replaces_no_newer_one() -> None:
    desk = calm()
    old = desk.board.steles["d1"]
    desk.take(outcome("A", meaning("Severe"), stamp=1), tick(1))
    desk.put("stele", "d1", old.to_bytes())
    assert "Stufe 3 von 4" in desk.page("/stele/d1")


def test_records_of_another_stage_show_nowhere() -> None:
    exercise = Desk(stage="storm")
    for record in warned().board.steles.values():
        exercise.put("stele", record.district, record.to_bytes())
    assert exercise.board.steles == {}
    assert exercise.board.silence() is None


async def test_the_pages_are_told_when_the_web_process_becomes_blind() -> None:
    desk = calm()
    desk.board.look()
    seen = desk.board.version
    desk.board.look()
    assert desk.board.version == seen
    desk.later(1).board.look()
    desk.board.connected = False
    assert [(event.kind, event.public) for event in desk.board.since(seen) or ()] == [("process", True)] * 2


# -- what holds -----------------------------------------------------------------------------------------------------


def test_what_holds_is_shown_with_level_districts_and_time() -> None:
    text = warned("Extreme").page("/")
    assert "Stufe 4 von 4" in text
    assert "ganze Stadt" in text
    assert "endet in 4 h 0 min" in text


def test_a_severe_warning_near_its_onset_takes_the_whole_stele_an_advance_notice_does_not() -> None:
    assert 'class="stele full level-3"' in warned().page("/stele/d1")
    advance = Desk().take(tick(0), outcome("A", meaning(urgency="Future", onset=600, expires=900)), snapshot(0, "A"))
    assert 'class="stele tile level-3 advance"' in advance.page("/stele/d1")


def test_the_dashboard_speaks_english_by_the_switch() -> None:
    text = warned().page("/?lang=en")
    assert '<html lang="en"' in text
    assert "What holds now" in text


def test_nothing_ever_says_that_all_is_well() -> None:
    for language in ("de", "en"):
        catalogue = words(language)
        said = " ".join((catalogue._bundle.get_message(key).value and key) or "" for key in catalogue.keys)
        assert not re.search("entwarn|all-clear", said)
    for desk in (calm(), warned()):
        for path in ("/", "/start", "/district/d1", "/stele/d1", "/embed/d1", "/lagebericht"):
            assert not re.search(r"Entwarnung|\bsicher\b|keine Gefahr|all clear|\bsafe\b", desk.page(path))


def test_the_words_are_complete_in_both_languages() -> None:
    assert words("de").keys == words("en").keys


@pytest.mark.parametrize(
    "catalogue", sorted(FOLDER.parent.rglob("*.ftl")), ids=lambda path: f"{path.parts[-3]}-{path.stem}"
)
def test_no_message_of_a_catalogue_stands_twice_or_cannot_be_read(catalogue: Path) -> None:
    entries = FluentResource(catalogue.read_text("utf-8")).body
    assert not [one for one in entries if isinstance(one, ast.Junk)]
    names = Counter(one.id.name for one in entries if isinstance(one, ast.Message | ast.Term))
    assert [name for name, times in names.items() if times > 1] == [], "the first would be said for both"


def test_an_exercise_is_marked_on_every_page() -> None:
    desk = Desk(stage="storm")
    for path in (
        "/",
        "/start",
        "/district/d1",
        "/stele/d1",
        "/embed/d1",
        "/lagebericht",
        "/stop/push",
        "/meldungen",
        "/hilfe",
        "/bezirk/d1",
    ):
        assert "ÜBUNG" in desk.page(path)


def test_what_is_held_back_is_told_with_its_reason() -> None:
    assert "SMS, öffentlich: erst ab Stufe 3 von 4" in warned("Moderate").page("/")


def test_one_message_is_explained_with_every_district_and_its_bytes() -> None:
    text = warned().page("/alert/A")
    assert "District 1" in text
    assert "&lt;alert xmlns=" in text


def test_what_stood_when_the_records_ended_is_told_as_last_known() -> None:
    text = warned("Extreme").later(10).page("/")
    assert "Zuletzt bekannt – gilt vielleicht noch" in text
    assert "Stufe 4 von 4" in text
    assert "data-loud" not in text


def test_what_the_newest_message_changed_is_told_with_its_time() -> None:
    desk = warned("Moderate").take(outcome("B", meaning("Extreme", expires=300), supersedes=["A"], sent=1, stamp=1))
    assert "aktualisiert Mi 14.07. 14:01: hochgestuft, länger" in desk.page("/")
    assert "hochgestuft, länger" in desk.page("/alert/B")


def test_until_a_warning_is_seen_its_raise_is_told_though_newer_messages_changed_little() -> None:
    desk = warned("Minor")
    for minute, name, before in ((1, "B", ["A"]), (2, "C", ["A", "B"]), (3, "D", ["C"])):
        new = outcome(name, meaning("Severe", expires=300), supersedes=before, sent=minute, stamp=minute)
        desk.later(minute).take(tick(minute), new)
    few = "aktualisiert Mi 14.07. 14:03: nur Texte oder Einzelheiten"
    both = f"aktualisiert Mi 14.07. 14:01: hochgestuft, länger; {few}"
    assert f'<p class="soft">{both}</p>' in desk.page("/")
    assert f'<p class="soft">{both}</p>' in desk.page("/bezirk/d1")
    assert "hochgestuft" in desk.page("/alert/D"), "of the message that raised it"
    assert f"<b>{few}</b>" in desk.page("/alert/D"), "each message says what it changed itself"
    see(desk, "D")
    assert f'<p class="soft">{few}</p>' in desk.page("/")
    last = outcome("E", meaning("Severe", expires=310), supersedes=["D"], sent=4, stamp=4)
    desk.later(4).take(tick(4), last)
    assert '<p class="soft">aktualisiert Mi 14.07. 14:04: länger</p>' in desk.page("/"), "the raise was seen with D"
    raised = outcome("F", meaning("Extreme", expires=310), supersedes=["E"], sent=5, stamp=5)
    desk.later(5).take(tick(5), raised)
    assert '<p class="soft">aktualisiert Mi 14.07. 14:05: hochgestuft</p>' in desk.page("/")


def test_a_new_warning_that_nobody_has_seen_is_called_new_though_its_texts_changed_since() -> None:
    desk = warned("Severe").later(1)
    desk.take(tick(1), outcome("B", meaning("Severe"), supersedes=["A"], sent=1, stamp=1))
    few = "aktualisiert Mi 14.07. 14:01: nur Texte oder Einzelheiten"
    assert f'<p class="soft">neu seit Mi 14.07. 14:00; {few}</p>' in desk.page("/")


def see(desk: Desk, base_id: str) -> None:
    form = {"city": "x", "base_id": base_id, "level": "3", "by": "Platz 7"}
    desk.operators.post("/act/acknowledge", data=form, auth=LOGIN, headers={"Sec-Fetch-Site": "same-origin"})


def test_neighbours_are_told_apart_and_only_while_they_are_warned() -> None:
    town = STATES["severe"]()
    text = town.page("/")
    neighbours = text[text.index('class="neighbours"') :]
    assert "Wuppertal, Remscheid" in neighbours
    assert "Wuppertal" not in STATES["calm"]().page("/")


def test_outlines_come_with_their_holes_and_height_bands() -> None:
    found = STATES["extreme"]().operators.get("/api/outlines.geojson").json()["features"]
    holes = [one for one in found if len(one["geometry"]["coordinates"]) > 1]
    assert {one["properties"]["level"] for one in holes} == {3, 4}
    assert "oberhalb 200 m" in {one["properties"]["height"] for one in found}


def test_the_report_tells_outages_by_the_times_of_the_records() -> None:
    desk = calm()
    for minute in range(1, 10):
        desk.later(minute).put("impacts", "", tick(minute).to_bytes())
    desk.later(40).put("impacts", "", tick(40).to_bytes())
    desk.put("impacts", "", snapshot(0).to_bytes())
    desk.put("impacts", "", snapshot(41).to_bytes())
    text = desk.later(42).page("/lagebericht")
    assert "Quelle „dwd“ ohne neuen Stand: Mi 14.07. 14:00 bis Mi 14.07. 14:41" in text
    assert "Kein Worker hat gearbeitet: Mi 14.07. 14:09 bis Mi 14.07. 14:40" in text


def test_the_way_of_a_message_is_told_step_by_step() -> None:
    town = STATES["severe"]()
    (journey,) = [one for one in town.board.history.journeys.values() if one.listed_id.endswith("thunderstorm")]
    assert (journey.match_ms, journey.settle_ms, journey.total_ms) == (0, 0, 0)
    assert "Entscheidung" in town.page("/")


# -- operators ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PRIVATE)
def test_operators_pages_need_a_sign_in_and_the_public_site_has_none_of_them(path: str) -> None:
    desk = warned()
    assert desk.operators.get(path).status_code == 401
    assert desk.operators.get(path, auth=("shift", "wrong")).status_code == 401
    public = desk.public.get(path, auth=LOGIN)
    if path == "/":  # there it is the start page, for everybody
        assert 'id="locator"' in public.text
        assert "desk-page" not in public.text
        return
    assert public.status_code == 404


def test_a_trusted_proxys_header_signs_in_only_where_the_settings_say_so() -> None:
    header = {"X-User": "shift"}
    assert Desk().operators.get("/", headers=header).status_code == 401
    assert Desk(settings(proxy_user_header="X-User")).operators.get("/", headers=header).status_code == 200


def acknowledge(desk: Desk, **headers: str) -> int:
    form = {"city": "x", "base_id": "A", "level": "3", "by": "Leitstelle A"}
    answer = desk.operators.post("/act/acknowledge", data=form, auth=LOGIN, headers=headers, follow_redirects=False)
    return int(answer.status_code)


def test_what_was_acknowledged_shows_to_everybody_and_a_raise_opens_it_again() -> None:
    desk = warned()
    assert "data-loud" in desk.page("/")
    assert acknowledge(desk, **ORIGIN) == 303
    assert "gesehen: Leitstelle A" in desk.page("/")
    assert "data-loud" not in desk.page("/")
    desk.take(outcome("B", meaning("Extreme"), supersedes=["A"], sent=1, stamp=1))
    assert "data-loud" in desk.page("/")


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_form_from_another_page_does_nothing(headers: dict[str, str]) -> None:
    desk = warned()
    assert acknowledge(desk, **headers) == 403
    assert desk.done == []


@pytest.mark.parametrize(
    "wrong", [{"minutes": "0.5"}, {"minutes": "9999"}, {"by": "<b>"}, {"channel": "stele"}, {"reason": ""}]
)
def test_an_order_that_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    form = {"channel": "push", "reason": "x", "minutes": "30", "by": "A", **wrong}
    desk = warned()
    assert desk.operators.post("/act/stop", data=form, auth=LOGIN, headers=ORIGIN).status_code == 422
    assert desk.done == []


# -- hostile content ------------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202egnp.exe\u2066\x07" + "A" * 100_000


def test_hostile_texts_are_shown_as_texts_and_turn_nothing_round() -> None:
    desk = warned()
    for record in list(desk.board.steles.values()):
        (item,) = record.items
        bad = item.texts["de"].model_copy(update=dict.fromkeys(("event", "headline", "description"), HOSTILE))
        hostile = item.model_copy(update={"texts": {"de": bad, "ar": bad}, "event": {"de": HOSTILE, "en": HOSTILE}})
        desk.put("stele", record.district, record.model_copy(update={"items": (hostile,)}).to_bytes())
    for path in ("/", "/start", "/district/d1", "/stele/d1", "/embed/d1", "/lagebericht"):
        text = desk.page(path)
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert not set(text) & set("\u202e\u2066\x07")


@pytest.mark.parametrize("path", [*PUBLIC, "/health/live", "/nowhere", "/static/live.js"])
def test_every_answer_has_its_security_headers(path: str) -> None:
    headers = warned().public.get(path).headers
    policy = headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    framed = path.startswith("/embed/")
    assert ("frame-ancestors *" in policy) == framed
    assert ("x-frame-options" in headers) != framed


@pytest.mark.parametrize("path", ["/", *PUBLIC[:4], "/lagebericht", "/alert/A", "/stop/push", "/hilfe", "/bezirk/d1"])
def test_no_page_has_inline_script_or_style_or_asks_another_host(path: str) -> None:
    text = warned().page(path)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=", text)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text)


def test_a_request_that_carries_too_much_is_refused() -> None:
    assert warned().operators.post("/act/stop", content=b"x" * 20_000, auth=LOGIN).status_code == 413


def test_an_address_that_asks_for_too_much_is_told_to_come_later_but_health_is_always_told() -> None:
    desk = Desk(settings(requests_per_s=1))
    codes = [desk.public.get("/api/districts").status_code for _ in range(12)]
    assert codes == [200] * 10 + [429] * 2
    assert desk.public.get("/health/live").status_code == 200


def test_who_is_signed_in_stays_so_while_passwords_are_tried_from_the_same_address() -> None:
    """After ten, tries wait for each other (test_passwords): slow, but nobody who knows the password is shut out."""
    desk = warned()
    assert desk.operators.get("/", auth=LOGIN).status_code == 200
    codes = [desk.operators.get("/", auth=("shift", f"guess {n}")).status_code for n in range(11)]
    assert set(codes) == {401}
    assert desk.operators.get("/", auth=LOGIN).status_code == 200


def test_metrics_say_whether_the_process_sees_and_who_waits() -> None:
    desk = warned("Extreme").later(0.5)
    said = desk.operators.get("/metrics").text
    assert 'warnsys_unseen_extreme_seconds{city="x"} 30.0' in said
    assert "warnsys_web_blind 0.0" in said
    assert "warnsys_web_blind 1.0" in desk.later(2).operators.get("/metrics").text


# -- API ------------------------------------------------------------------------------------------------------------


def test_what_holds_in_a_district_comes_as_cap_too() -> None:
    from warnsys.cap import read_alert

    alert = read_alert(warned().public.get("/api/districts/d1/cap").content)
    assert (alert.infos[0].severity, alert.infos[0].areas[0].geocodes) == ("Severe", (("WARNCELLID", "800000001"),))
    assert calm().public.get("/api/districts/d1/cap").status_code == 404


def test_the_public_hears_nothing_that_staff_alone_was_told() -> None:
    desk = warned()
    assert {notice["audience"] for notice in desk.public.get("/api/notices").json()} == {"public"}
    assert "Stab" not in desk.public.get("/api/notices.atom").text
    everything = desk.operators.get("/api/notices/all", auth=LOGIN).json()
    assert {notice["audience"] for notice in everything} == {"public", "staff"}


async def test_a_reader_of_the_stream_is_told_what_it_missed_or_to_load_anew() -> None:
    desk = warned()
    seen = desk.board.version
    desk.take(tick(2))
    assert [event.kind for event in desk.board.since(seen) or ()] == ["stele", "stele"]
    assert desk.board.since(seen + 10_000) is None
    for _ in range(600):
        for record in list(desk.board.steles.values()):
            desk.put("stele", record.district, record.to_bytes())
    assert desk.board.since(seen) is None


def test_a_removed_district_is_gone_with_its_tombstone() -> None:
    desk = warned()
    desk.put("stele", "d1", None)
    assert desk.board.stele("d1") is None


def test_of_a_notice_only_the_first_copy_is_kept() -> None:
    desk = warned()
    before = len(desk.board.notices)
    for notice in list(desk.board.notices):
        desk.put("push" if "title" in notice.model_dump() else "sms", notice.id, notice.to_bytes())
    assert len(desk.board.notices) == before


def test_what_cannot_be_read_is_passed_over() -> None:
    desk = warned()
    for topic in ("stele", "push", "sms", "status", "impacts", "actions"):
        desk.put(topic, "x", b"none of ours")
    assert isinstance(desk.board.stele("d1"), SteleRecord)
    assert at(0) == desk.board.now()
