"""The lifecycle stories, as data: their tests and `docs/reference/lifecycle.md` are made from them.

Two districts, d1 and d2; minutes count from the story's start. Unless a message says otherwise it warns both of heavy
rain, Severe (level 3), from now until minute 240.
"""

from tests.domain.messages import Message, Warned
from tests.domain.story import Late, Look, Story

AUTUMN = (108 * 24 + 10) * 60
"""From noon of 14 July 2027 (UTC) to 31 October, 00:00 in summer time; at 03:00 the clock goes back."""
SPRING = (255 * 24 + 11) * 60
"""To 26 March 2028, 00:00; at 02:00 the clock goes forward."""


def warn(
    key: str, at: float, severity: str = "Severe", until: float | None = 240, of: str = "", **more: object
) -> Message:
    """An alert, or with `of` an update of these."""
    return Message(key, at, (Warned(severity, until=until, **more),), tuple(of.split()))  # type: ignore[arg-type]


def ends(key: str, at: float, of: str, says: tuple[Warned, ...] = ()) -> Message:
    return Message(key, at, says, tuple(of.split()), cancel=True)


def look(at: float, lists: str = "", *news: Message, source: str = "dwd") -> Look:
    return Look(at, lists, news, source)


def calm(begin: float, end: float, lists: str = "O") -> tuple[Look, ...]:
    """A look every ten minutes that brings nothing new."""
    return tuple(Look(float(at), lists) for at in range(int(begin), int(end) + 1, 10))


ELSEWHERE = warn("O", 0, until=None, districts=("d9",))
"""It stands in every snapshot, so that none is empty."""
START = look(0, "A O", warn("A", 0), ELSEWHERE)

STORIES = (
    Story(
        "an_alert_expires_as_planned",
        "An alert holds until its end; the next snapshot confirms it.",
        (look(0, "A O", warn("A", 0, until=60), ELSEWHERE), *calm(10, 50, "A O"), *calm(60, 80)),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 60",),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "60 d1 d2: unconfirmed",
            "70 d1 d2: clear",
        ),
    ),
    Story(
        "an_expiry_without_confirmation",
        "The feed fails before the end; it comes back an hour later.",
        (look(0, "A O", warn("A", 0, until=60), ELSEWHERE), *calm(10, 50, "A O"), *calm(120, 130)),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 60",),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "60 d1 d2: unconfirmed",
            "120 d1 d2: clear",
        ),
    ),
    Story(
        "an_update_changes_nothing_material",
        "The same again under a new id, ten minutes longer.",
        (START, look(10, "B O", warn("B", 10, until=250, of="A")), *calm(20, 30, "B O")),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "an_update_raises_and_another_lowers",
        "Level 3, then 4, then 2.",
        (START, look(10, "B O", warn("B", 10, "Extreme", of="A")), look(20, "C O", warn("C", 20, "Moderate", of="B"))),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "10 all: update, raised, level 4, d1 d2, 10 to 240",
            "20 all: lowered, level 2, d1 d2, 20 to 240",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "10 d1 d2: warned, warning Extreme",
            "20 d1 d2: warned, warning Moderate",
        ),
    ),
    Story(
        "a_cancel_with_area_and_info",
        "A Cancel that still says Extreme, with an end to come.",
        (START, look(10, "C O", ends("C", 10, "A", (Warned("Extreme"),))), *calm(20, 30)),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "10 all: ended, cancelled, level 3, d1 d2",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "10 d1 d2: clear",
        ),
        decided=("C: cancel: names 1, warns nobody",),
    ),
    Story(
        "a_cancel_without_area_or_info",
        "A Cancel that is nothing but a reference.",
        (START, look(10, "C O", ends("C", 10, "A")), *calm(20, 30)),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "10 all: ended, cancelled, level 3, d1 d2",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "10 d1 d2: clear",
        ),
        decided=("C: cancel: names 1, warns nobody",),
    ),
    Story(
        "an_open_end",
        "Without expires it stands for days, until it is in no snapshot any more.",
        (look(0, "A O", warn("A", 0, until=None), ELSEWHERE), *calm(10, 30, "A O"), *calm(40, 60)),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to open",
            "50 all: ended, withdrawn, level 3, d1 d2",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "50 d1 d2: clear",
        ),
    ),
    Story(
        "withdrawn_and_back",
        "Two snapshots lack it, a later one lists it again.",
        (START, *calm(10, 30), *calm(40, 50, "A O")),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "20 all: ended, withdrawn, level 3, d1 d2",
            "40 all: warn, revived, level 3, d1 d2, 0 to 240",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "20 d1 d2: clear",
            "40 d1 d2: warned, warning Severe",
        ),
    ),
    Story(
        "missing_in_one_snapshot_only",
        "One snapshot lacks it: a node of the server was behind.",
        (START, *calm(10, 10), *calm(20, 30, "A O")),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "an_unseen_predecessor",
        "B, which replaced A, was never seen; C replaces B. A is missed by two snapshots.",
        (START, look(20, "C O", warn("C", 20, of="B")), *calm(30, 40, "C O")),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "a_late_predecessor",
        "B, the update between, arrives last; its reference ends A.",
        (
            START,
            look(20, "C O", warn("C", 20, "Moderate", of="B")),
            Late(21, (warn("B", 10, of="A"),)),
            *calm(30, 40, "C O"),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "21 all: lowered, level 2, d1 d2, 20 to 240",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "21 d1 d2: warned, warning Moderate",
        ),
    ),
    Story(
        "two_chains_merge",
        "One update replaces a warning of d1 and one of d2.",
        (
            look(0, "A B O", warn("A", 0, districts=("d1",)), warn("B", 0, districts=("d2",)), ELSEWHERE),
            look(10, "C O", warn("C", 10, of="A B")),
            *calm(20, 30, "C O"),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1, 0 to 240",
            "0 all: update, entered, level 3, d2, 0 to 240",
        ),
        shown=(
            "0 d1: warned, warning Severe",
            "0 d2: warned, warning Severe",
        ),
    ),
    Story(
        "a_chain_splits",
        "A warning of both districts goes on as one of d1 and one of d2.",
        (
            START,
            look(10, "B C O", warn("B", 10, of="A", districts=("d1",)), warn("C", 10, of="A", districts=("d2",))),
            *calm(20, 30, "B C O"),
        ),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "two_languages_of_one_message",
        "German and English infos say the same: one warning.",
        (look(0, "A O", warn("A", 0, languages=("de-DE", "en")), ELSEWHERE), *calm(10, 20, "A O")),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "the_same_warning_from_two_sources",
        "It ends when both have dropped it.",
        (
            START,
            look(0, "A O", warn("A", 0), ELSEWHERE, source="city"),
            look(10, "O"),
            look(10, "A O", source="city"),
            look(20, "O"),
            look(20, "A O", source="city"),
            look(30, "O"),
            look(30, "O", source="city"),
            look(40, "O"),
            look(40, "O", source="city"),
        ),
        sources=("dwd", "city"),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "40 all: ended, withdrawn, level 3, d1 d2",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "40 d1 d2: clear",
        ),
    ),
    Story(
        "an_update_shrinks_the_area",
        "d2 is no longer named.",
        (START, look(10, "B O", warn("B", 10, of="A", districts=("d1",))), *calm(20, 30, "B O")),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "10 all: ended, superseded, level 3, d2",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "10 d2: clear",
        ),
    ),
    Story(
        "an_update_grows_the_area",
        "d2 comes in.",
        (
            look(0, "A O", warn("A", 0, districts=("d1",)), ELSEWHERE),
            look(10, "B O", warn("B", 10, of="A")),
            *calm(20, 30, "B O"),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1, 0 to 240",
            "10 all: update, entered, level 3, d2, 10 to 240",
        ),
        shown=(
            "0 d1: warned, warning Severe",
            "0 d2: clear",
            "10 d2: warned, warning Severe",
        ),
    ),
    Story(
        "all_clear_for_a_part",
        "One message: d1 is warned on, for d2 AllClear.",
        (
            START,
            look(
                10,
                "B O",
                Message("B", 10, (Warned(districts=("d1",)), Warned(districts=("d2",), all_clear=True)), ("A",)),
            ),
            *calm(20, 30, "B O"),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "10 all: ended, superseded, level 3, d2",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "10 d2: clear",
        ),
    ),
    Story(
        "expired_on_arrival",
        "The message comes after its own end.",
        (look(0, "O", ELSEWHERE), *calm(10, 50), look(60, "A O", warn("A", 0, until=30)), *calm(70, 80)),
        shown=(
            "0 d1 d2: clear",
            "60 d1 d2: unconfirmed",
            "70 d1 d2: clear",
        ),
    ),
    Story(
        "an_update_that_is_over_on_arrival",
        "An update ends its warning in the past; the next snapshot confirms it.",
        (START, look(30, "B O", warn("B", 29, until=20, of="A")), *calm(40, 50)),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "40 all: ended, expired, level 3, d1 d2",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "30 d1 d2: unconfirmed",
            "40 d1 d2: clear",
        ),
    ),
    Story(
        "an_advance_notice_becomes_a_warning",
        "Vorabinformation, then the warning: one incident.",
        (
            look(0, "A O", warn("A", 0, until=360, onset=120, advance=True, group="THUNDERSTORM", ii="40"), ELSEWHERE),
            look(90, "B O", warn("B", 90, until=360, onset=120, of="A", group="THUNDERSTORM")),
            *calm(100, 110, "B O"),
        ),
        heard=(
            "0 staff push, staff SMS: warn, entered, level 3, d1 d2, 120 to 360",
            "90 public push, public SMS: warn, entered, level 3, d1 d2, 120 to 360",
            "90 staff push, staff SMS: update, now a warning, level 3, d1 d2, 120 to 360",
        ),
        shown=(
            "0 d1 d2: warned, advance Severe",
            "90 d1 d2: warned, warning Severe",
        ),
    ),
    Story(
        "hail_comes_and_goes",
        "II 42, 46 and 42 again at the same level: no new event.",
        (
            look(0, "A O", warn("A", 0, group="THUNDERSTORM", ii="42"), ELSEWHERE),
            look(10, "B O", warn("B", 10, of="A", group="THUNDERSTORM", ii="46")),
            look(20, "C O", warn("C", 20, of="B", group="THUNDERSTORM", ii="42")),
        ),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "hail_comes_with_a_higher_level",
        "II 42, then 96 at Extreme: raised.",
        (
            look(0, "A O", warn("A", 0, group="THUNDERSTORM", ii="42"), ELSEWHERE),
            look(10, "B O", warn("B", 10, "Extreme", of="A", group="THUNDERSTORM", ii="96")),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "10 all: update, raised, level 4, d1 d2, 10 to 240",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "10 d1 d2: warned, warning Extreme",
        ),
    ),
    Story(
        "a_test_that_references_a_live_warning",
        "A Test with an update's references ends nothing.",
        (
            START,
            look(10, "A T O", Message("T", 10, (Warned("Extreme"),), ("A",), status="Test")),
            *calm(20, 30, "A T O"),
        ),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
        decided=("T: test: status Test, II 62",),
    ),
    Story(
        "a_foreign_sender_that_references_a_live_warning",
        "It is refused; while it is listed nothing is withdrawn.",
        (
            START,
            look(10, "A F O", Message("F", 10, (), ("A",), cancel=True, sender="x@example.org")),
            *calm(20, 30, "A F O"),
        ),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
        decided=("F: sender-foreign",),
    ),
    Story(
        "a_cancel_from_another_source",
        "The city's own feed cannot end what the DWD warns of.",
        (
            START,
            look(0, "", source="city"),
            look(10, "A O"),
            look(10, "C", Message("C", 10, (), ("A",), cancel=True), source="city"),
        ),
        sources=("dwd", "city"),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
        decided=("C: cancel: names 1, warns nobody",),
    ),
    Story(
        "a_flapping_level",
        "3, 2, 3, 2 within half an hour: each is told once, under an id of its own.",
        (
            START,
            look(10, "B O", warn("B", 10, "Moderate", of="A")),
            look(20, "C O", warn("C", 20, of="B")),
            look(30, "D O", warn("D", 30, "Moderate", of="C")),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "10 all: lowered, level 2, d1 d2, 10 to 240",
            "20 all: update, raised, level 3, d1 d2, 20 to 240",
            "30 all: lowered, level 2, d1 d2, 30 to 240",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "10 d1 d2: warned, warning Moderate",
            "20 d1 d2: warned, warning Severe",
            "30 d1 d2: warned, warning Moderate",
        ),
    ),
    Story(
        "an_outage_across_the_expiry",
        "The extension was published while the feed was down.",
        (
            look(0, "A O", warn("A", 0, until=60), ELSEWHERE),
            *calm(10, 40, "A O"),
            look(100, "B O", warn("B", 50, until=180, of="A")),
            *calm(110, 120, "B O"),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 60",
            "100 all: update, extended, level 3, d1 d2, 50 to 180",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "60 d1 d2: unconfirmed",
            "100 d1 d2: warned, warning Severe",
        ),
    ),
    Story(
        "an_extension_seconds_before_the_old_end",
        "Published 30 seconds before, fetched 30 seconds after.",
        (
            look(0, "A O", warn("A", 0, until=60), ELSEWHERE),
            *calm(10, 50, "A O"),
            look(60.5, "B O", warn("B", 59.5, until=120, of="A")),
            *calm(70, 80, "B O"),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 60",
            "60.5 all: update, extended, level 3, d1 d2, 59.5 to 120",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "60 d1 d2: unconfirmed",
            "60.5 d1 d2: warned, warning Severe",
        ),
    ),
    Story(
        "a_broken_update_of_a_standing_warning",
        "The update cannot be read: what stood, stands, until a good copy comes.",
        (
            START,
            look(10, "B O", Message("B", 10, broken=True)),
            *calm(20, 30, "B O"),
            look(40, "C O", warn("C", 40, "Moderate", of="A")),
            *calm(50, 60, "C O"),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "40 all: lowered, level 2, d1 d2, 40 to 240",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "40 d1 d2: warned, warning Moderate",
        ),
        decided=("B: not-xml",),
    ),
    Story(
        "the_rain_ends_while_the_water_rises",
        "The rain is cancelled, the thaw with flooding goes on.",
        (
            look(0, "A T O", warn("A", 0), warn("T", 0, "Moderate", until=None, group="THAW", ii="88"), ELSEWHERE),
            look(10, "C T O", ends("C", 10, "A")),
            *calm(20, 30, "T O"),
        ),
        says=("Wasser kann weiter steigen",),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "0 public push, staff push: warn, entered, level 2, d1 d2, 0 to open",
            "10 all: ended, cancelled, level 3, d1 d2",
        ),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "10 d1 d2: warned, warning Moderate",
        ),
        decided=("C: cancel: names 1, warns nobody",),
    ),
    Story(
        "a_calm_night",
        "The same bytes under new stamps, hour after hour.",
        (look(0, "O", ELSEWHERE), *calm(10, 480)),
        shown=("0 d1 d2: clear",),
    ),
    Story(
        "the_night_when_the_clock_goes_back",
        "From 01:00 summer time to 04:00 winter time are four hours.",
        (look(0, "O", ELSEWHERE), *calm(10, 20), look(30, "A O", warn("A", 30, onset=60, until=300))),
        starts=AUTUMN,
        says=("So 31.10. 01:00 bis 04:00 Uhr",),
        heard=("30 all: warn, entered, level 3, d1 d2, 60 to 300",),
        shown=(
            "0 d1 d2: clear",
            "30 d1 d2: warned, warning Severe",
        ),
    ),
    Story(
        "the_night_when_the_clock_goes_forward",
        "From 01:00 to 04:00 are two hours.",
        (look(0, "O", ELSEWHERE), *calm(10, 20), look(30, "A O", warn("A", 30, onset=60, until=180))),
        starts=SPRING,
        says=("So 26.03. 01:00 bis 04:00 Uhr",),
        heard=("30 all: warn, entered, level 3, d1 d2, 60 to 180",),
        shown=(
            "0 d1 d2: clear",
            "30 d1 d2: warned, warning Severe",
        ),
    ),
    Story(
        "a_text_read_after_midnight",
        "Told at 23:00 for the next morning: days by name, never today or tomorrow.",
        (look(0, "O", ELSEWHERE), *calm(10, 530), look(540, "A O", warn("A", 540, onset=600, until=900))),
        says=("Do 15.07. 00:00 bis 05:00 Uhr",),
        heard=("540 all: warn, entered, level 3, d1 d2, 600 to 900",),
        shown=(
            "0 d1 d2: clear",
            "540 d1 d2: warned, warning Severe",
        ),
    ),
    Story(
        "ten_extensions_by_20_minutes",
        "Each too small to be told; they are told once they add up.",
        (
            look(0, "A0 O", warn("A0", 0), ELSEWHERE),
            *(look(10 * n, f"A{n} O", warn(f"A{n}", 10 * n, until=240 + 20 * n, of=f"A{n - 1}")) for n in range(1, 11)),
        ),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "20 all: update, extended, level 3, d1 d2, 20 to 280",
            "40 all: update, extended, level 3, d1 d2, 40 to 320",
            "60 all: update, extended, level 3, d1 d2, 60 to 360",
            "80 all: update, extended, level 3, d1 d2, 80 to 400",
            "100 all: update, extended, level 3, d1 d2, 100 to 440",
        ),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "parallel_storm_cells",
        "Three cells of one group at no higher level: one event.",
        (
            look(0, "A O", warn("A", 0, group="THUNDERSTORM"), ELSEWHERE),
            look(10, "A B O", warn("B", 10, "Moderate", group="THUNDERSTORM", ii="36", districts=("d1",))),
            look(20, "A B C O", warn("C", 20, group="THUNDERSTORM", until=255, districts=("d2",))),
            *calm(30, 40, "A O"),
        ),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 240",),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "everything_vanishes_at_once",
        "An empty snapshot during Severe: it stands until its end.",
        (look(0, "A O", warn("A", 0, until=60), ELSEWHERE), *calm(10, 50, ""), *calm(60, 70, "")),
        heard=("0 all: warn, entered, level 3, d1 d2, 0 to 60",),
        shown=(
            "0 d1 d2: warned, warning Severe",
            "60 d1 d2: unconfirmed",
            "70 d1 d2: clear",
        ),
    ),
    Story(
        "it_begins_earlier",
        "Announced for minute 120, now for 60.",
        (look(0, "A O", warn("A", 0, onset=120), ELSEWHERE), look(10, "B O", warn("B", 10, onset=60, of="A"))),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 120 to 240",
            "10 all: update, begins earlier, level 3, d1 d2, 60 to 240",
        ),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
    Story(
        "it_ends_earlier",
        "Until minute 240, now until 120.",
        (START, look(10, "B O", warn("B", 10, until=120, of="A"))),
        heard=(
            "0 all: warn, entered, level 3, d1 d2, 0 to 240",
            "10 all: update, shortened, level 3, d1 d2, 10 to 120",
        ),
        shown=("0 d1 d2: warned, warning Severe",),
    ),
)
