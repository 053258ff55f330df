"""The emergency stop on the screens: what shows follows what acts (law 12)."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import meaning, outcome, snapshot, tick
from tests.web.sites import LOGIN, Desk
from warnsys.records import ChannelPause
from warnsys.web import app
from warnsys.web.site import drawn

ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def warned() -> Desk:
    return Desk().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))


def order(desk: Desk, minutes: int = 30, channel: str = "push") -> Any:
    form = {"channel": channel, "reason": "Fehlalarm", "minutes": str(minutes), "by": "Leitstelle A"}
    return desk.operators.post("/act/stop", data=form, auth=LOGIN, headers=ORIGIN)


def unconfirmed(desk: Desk) -> bool:
    return 'warnsys_stop_unconfirmed{channel="push"} 1.0' in desk.operators.get("/metrics").text


STOPPED = "Push ist angehalten bis Mi 14.07. 14:30: Fehlalarm (Leitstelle A)"


def test_a_stopped_channel_is_seen_with_reason_and_end() -> None:
    desk = warned()
    assert order(desk).status_code == 200
    assert STOPPED in desk.page("/")
    desk.later(31).answer(tick(31))
    assert "angehalten" not in desk.page("/")


def test_a_stop_that_no_agent_confirmed_is_never_shown_as_one_and_is_an_alarm_within_ten_seconds() -> None:
    desk = warned()
    desk.agents = False
    assert "Push wird angehalten" in order(desk).text, "at once on the page that follows"
    assert "Push ist angehalten" not in desk.page("/")
    assert not unconfirmed(desk)
    desk.later(9 / 60)
    for page in ("/", "/lagebericht"):
        assert "Push ist NICHT sicher angehalten" in desk.page(page)
    assert re.search(r'role="alert"><svg[^>]*>[^/]*(?:/(?!svg>)[^/]*)*/svg> <span>Push ist NICHT', desk.page("/"))
    assert "Push is NOT known to be stopped" in desk.page("/?lang=en")
    assert unconfirmed(desk)
    assert not desk.board.stopped()


def test_an_unconfirmed_stop_can_be_ordered_again_and_holds_nothing_back_yet() -> None:
    desk = warned()
    desk.agents = False
    order(desk)
    page = desk.later(9 / 60).page("/")
    assert 'href="/stop/push">Noch einmal anhalten</a>' in page
    assert "zurückgehalten seit dem Anhalten" not in page
    desk.answer(desk.board.stops["push"])
    page = desk.page("/")
    assert "Noch einmal anhalten" not in page
    assert "zurückgehalten seit dem Anhalten" in page


def test_when_the_agents_come_back_the_alarm_ends_with_their_word() -> None:
    desk = warned()
    desk.agents = False
    order(desk)
    desk.later(5).answer(desk.done[-1])  # type: ignore[arg-type]
    assert STOPPED in desk.page("/")
    assert not unconfirmed(desk)


def test_a_resume_that_no_agent_confirmed_is_told_likewise() -> None:
    desk = warned()
    order(desk)
    desk.agents = False
    assert "Push wird fortgesetzt" in order(desk, 0).text
    assert "Push läuft NICHT sicher wieder" in desk.later(9 / 60).page("/")
    desk.answer(desk.done[-1])  # type: ignore[arg-type]
    assert 'class="mark alarm stop' not in desk.page("/")


def test_a_stop_whose_time_is_over_is_over_when_the_agents_say_so() -> None:
    desk = warned()
    order(desk)
    assert "Push wird fortgesetzt" in desk.later(30.2).page("/")
    assert not unconfirmed(desk), "the next tick ends it"
    assert "Push läuft NICHT sicher wieder" in desk.later(31).page("/")


def test_a_stop_counts_only_when_all_cities_agents_have_said_so() -> None:
    desk = warned()
    rules = desk.city.rules
    far = replace(rules, place=replace(rules.place, id="y", name="Ystadt"))
    desk.board.cities = {**desk.board.cities, "y": far}
    order(desk)
    assert "Noch nicht bestätigt: Ystadt" in desk.page("/")
    (said,) = desk.board.channels.values()
    desk.put("actions", "", said.model_copy(update={"city": "y"}).to_bytes())
    assert STOPPED in desk.page("/")


def test_an_agent_that_answers_an_older_order_has_not_answered_this_one() -> None:
    desk = warned()
    order(desk)
    order(desk, 0)
    desk.agents = False
    order(desk, 30)
    assert "Push wird angehalten" in desk.page("/")


def test_an_order_is_newer_than_the_one_on_the_screen_whatever_the_clock_says() -> None:
    desk = warned().later(10)
    order(desk)
    order(desk.later(0), 0)
    stop, resume = desk.done
    assert isinstance(stop, ChannelPause)
    assert isinstance(resume, ChannelPause)
    assert resume.at > stop.at
    assert not desk.board.stopped()


@pytest.mark.parametrize(("minutes", "said"), [(30, "Nicht angehalten, bitte wiederholen"), (0, "Nicht fortgesetzt")])
def test_an_order_that_cannot_be_written_is_an_error_and_no_redirect(minutes: int, said: str) -> None:
    desk = warned()
    desk.broker = False
    answer = order(desk, minutes)
    assert answer.status_code == 503
    assert said in answer.text
    assert "angehalten bis" not in desk.page("/")


def test_an_acknowledgement_that_cannot_be_written_is_an_error_too() -> None:
    desk = warned()
    desk.broker = False
    form = {"city": "x", "base_id": "A", "level": "3", "by": "Leitstelle A"}
    answer = desk.operators.post("/act/acknowledge", data=form, auth=LOGIN, headers=ORIGIN)
    assert (answer.status_code, "Nicht als gesehen gemeldet" in answer.text) == (503, True)


def test_a_kind_that_only_a_newer_release_knows_is_passed_over() -> None:
    desk = warned()
    order(desk)
    desk.put("actions", "x", b'{"kind":"of-tomorrow","stage":"live"}')
    assert STOPPED in desk.page("/")


@pytest.mark.parametrize("lang", ["de", "en"])
def test_what_was_asked_for_and_what_acts_look_plainly_different(lang: str) -> None:
    """By icon, first words, border and colour; each readable."""
    said = {
        "de": ("NOCH AKTIV: Push wird", "NOCH NICHT WIEDER AKTIV: Push wird"),
        "en": ("STILL ACTIVE", "NOT YET ACTIVE"),
    }
    desk = warned()
    desk.agents = False
    order(desk)
    asked = desk.page(f"/?lang={lang}")
    assert 'class="mark asked"' in asked
    assert f"{drawn('clock')} <span>{said[lang][0]}" in asked
    assert "mark alarm stop" not in asked
    assert f"{drawn('warning')} <span>" in desk.later(9 / 60).page(f"/?lang={lang}")
    desk.answer(desk.done[-1])  # type: ignore[arg-type]
    acts = desk.page(f"/?lang={lang}")
    assert 'class="mark alarm stop"' in acts
    assert f"{drawn('pause')} <span>Push i" in acts
    assert "mark asked" not in acts
    order(desk, 0)
    assert said[lang][1] in desk.page(f"/?lang={lang}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_are_readable_in_light_and_dark(scheme: str) -> None:
    """WCAG 2.2: text 7:1 (AAA), the asked-for order's border 3:1, and both grounds 3:1 from each other."""
    styles = (Path(app.__file__).parent / "static" / "warnsys.css").read_text("utf-8")
    colours: dict[str, str] = {}
    for block in re.findall(r":root \{(.*?)\n *\}", styles, re.DOTALL)[: 1 if scheme == "light" else 2]:
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block))
    assert contrast(colours["on-alarm"], colours["alarm"]) >= 7
    assert contrast(colours["text"], colours["ground"]) >= 7
    assert contrast(colours["alarm"], colours["ground"]) >= 4.5
    assert ".mark.asked { background: var(--ground); color: var(--text); border: .3rem dashed var(--alarm)" in styles


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
