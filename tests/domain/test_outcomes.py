"""What an outcome says of a message, and why: made-up messages for districts that are squares."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import shapely

from geofences import District, GeofenceIndex
from tests.cap.oddities import SQUARE, area, code, message, swap, without
from warnsys.records import AlertHeaders
from warnsys.warning.matching import Decision, Matcher

HEADERS = AlertHeaders(stage="live", source="dwd", id="x", stamp=None, seen=datetime(2027, 7, 14, tzinfo=UTC))


BY_SHARE_ALONE = {"dwd": 1.1}
"""More of a shape than there is: the share of the district alone decides (the other: tests/domain/test_places.py)."""


def decide(body: bytes, districts: list[District], min_part: dict[str, float] | None = None) -> Decision:
    return Matcher(GeofenceIndex(districts), min_part=min_part or {}).decide_bytes(body, HEADERS)


def districts_of(*boxes: tuple[float, float]) -> list[District]:
    """Squares of a tenth of a degree, by their south-west corners in lon/lat."""
    return [
        District(
            f"d{n}", "D", "D", "c", frozenset(), shapely.box(lon, lat, lon + 0.1, lat + 0.1), None, None, "unknown"
        )
        for n, (lon, lat) in enumerate(boxes, 1)
    ]


HERE = districts_of((7, 51))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (swap(">Public<", ">Private<"), "scope Private"),
        (swap(">Public<", ">Restricted<"), "scope Restricted"),
        (swap(">Actual<", ">Exercise<"), "exercise"),
        (swap(">Actual<", ">Draft<"), "test: status Draft"),
        (swap(">Actual<", ">System<"), "test: status System"),
        (swap(">Alert<", ">Ack<"), "msgType Ack"),
        (swap("<severity>", "<responseType>AllClear</responseType><severity>"), "all clear"),
        (code("II", "99"), "test: status Actual, II 99"),
        (lambda text: code("II", "99")(swap("<info>", "<info><event>x</event></info><info>")(text)),
            "test: status Actual, II 99"),
    ],
)  # fmt: skip
def test_what_is_not_meant_for_people_now_is_not_live_with_the_reason(
    change: Callable[[str], str], reason: str
) -> None:
    decision = decide(message(change), HERE)
    assert (decision.outcome.decided, decision.outcome.reason) == ("not_live", reason)
    assert (decision.alert is not None, decision.found, decision.matches) == (True, (), ())
    assert decision.outcome.base_id == "s@example.org,A"


def test_a_refused_message_has_neither_alert_nor_matches() -> None:
    decision = decide(b"<alert", HERE)
    assert (decision.alert, decision.found, decision.matches) == (None, (), ())


def test_an_all_clear_before_an_active_info_does_not_hide_it() -> None:
    def both(text: str) -> str:
        info = text[text.index("<info>") : text.index("</info>") + 7]
        clear = info.replace("<severity>", "<responseType>AllClear</responseType><severity>")
        return text.replace("<info>", clear + "<info>", 1)

    decision = decide(message(both), HERE)
    assert decision.outcome.decided == "matched"
    assert decision.alert is not None
    assert len(decision.found) == 1


def test_an_outcome_says_who_sent_what_when_and_under_which_stamp() -> None:
    stamp = datetime(2027, 7, 14, 10, 5, tzinfo=UTC)
    headers = HEADERS.model_copy(update={"stamp": stamp})
    outcome = Matcher(GeofenceIndex(HERE)).decide_bytes(message(without("certainty")), headers).outcome
    assert (outcome.sender, outcome.sent, outcome.stamp) == (
        "s@example.org", datetime(2027, 7, 14, 10, tzinfo=UTC), stamp,
    )  # fmt: skip
    assert outcome.findings == ("certainty-unknown",)


def test_cells_that_are_not_in_the_catalogue_are_among_the_findings() -> None:
    cell = "<geocode><valueName>WARNCELLID</valueName><value>805122999</value></geocode></area>"
    body = message(swap("</area>", cell))
    found = [
        Matcher(GeofenceIndex(HERE), known_cells=known).decide_bytes(body, HEADERS).outcome.findings
        for known in (None, {"805122000"}, {"805122999"})
    ]
    assert found == [(), ("cell-new",), ()]


def test_a_foreign_sender_is_told_with_those_that_are_allowed() -> None:
    matcher = Matcher(GeofenceIndex(HERE), senders={"dwd": ("a@dwd.de", "b@dwd.de")})
    assert matcher.decide_bytes(message(), HEADERS).outcome.reason == (
        "sender-foreign at /alert/sender: 's@example.org' is not a sender of the source 'dwd', only a@dwd.de, b@dwd.de"
    )


@pytest.mark.parametrize(("share", "decided"), [(None, "matched"), (0.2, "matched"), (0.3, "no_district")])
def test_without_cells_a_district_is_warned_from_the_share_that_its_source_asks_for(
    share: float | None, decided: str
) -> None:
    """The triangle covers half of its square; the district is twice as wide: a quarter."""
    wide = [replace(HERE[0], geometry=shapely.box(7, 51, 7.2, 51.1))]
    shares = {} if share is None else {"dwd": share, "other": 1 - share}
    matcher = Matcher(GeofenceIndex(wide), shares, BY_SHARE_ALONE)
    assert matcher.decide_bytes(message(), HEADERS).outcome.decided == decided


def test_a_share_of_less_than_a_hundredth_is_none_where_the_source_says_nothing() -> None:
    def with_width(degrees: float) -> str:
        wide = [replace(HERE[0], geometry=shapely.box(7, 51, 7 + degrees, 51.1))]
        return decide(message(), wide, BY_SHARE_ALONE).outcome.decided

    assert (with_width(4.9), with_width(5.1)) == ("matched", "no_district")


def test_why_no_district_is_warned_is_said_for_all_that_differ() -> None:
    wide, far = replace(HERE[0], geometry=shapely.box(7, 51, 20, 51.1)), replace(HERE[0], id="d2", city="e")
    far = replace(far, geometry=shapely.box(20, 60, 20.1, 60.1))
    assert decide(message(), [wide], BY_SHARE_ALONE).outcome.reason == "share 0.0038 below 0.01"
    assert decide(message(), [far]).outcome.reason == "no overlap"
    assert decide(message(), [wide, far], BY_SHARE_ALONE).outcome.reason == "no overlap; share 0.0038 below 0.01"
    assert decide(message(), []).outcome.reason == "no districts"


@pytest.mark.parametrize(("lat", "decided"), [(51.1, "matched"), (51.2, "no_district")])
def test_a_circle_is_as_wide_as_its_kilometres_say(lat: float, decided: str) -> None:
    """Ten kilometres are 0.09 degrees of latitude; the districts lie north of its middle at 51.05."""
    circle = swap(f"<polygon>{SQUARE}</polygon>", "<circle>51.05,7.05 10</circle>")
    assert decide(message(circle), districts_of((7, lat))).outcome.decided == decided


def test_a_height_band_stands_in_the_impact_in_metres() -> None:
    body = message(area("<altitude>656.168</altitude><ceiling>3280.84</ceiling>"))
    ((impact,),) = (said.impacts for said in decide(body, HERE).outcome.meanings)
    assert impact.floor_m == pytest.approx(200, abs=0.01)
    assert impact.ceiling_m == pytest.approx(1000, abs=0.01)
    assert (impact.via, impact.reason) == ("area", "area 0.5002")
    assert impact.share == pytest.approx(0.5, abs=0.001)


def test_a_district_above_the_ceiling_is_spared() -> None:
    high = replace(HERE[0], ground_min_m=1100.0, ground_max_m=1500.0, ground_source="DGM1 2024")
    body = message(area("<altitude>0</altitude><ceiling>3280.84</ceiling>"))
    assert decide(body, [high]).outcome.decided == "no_district"
    assert decide(body, [replace(high, ground_min_m=1000.0)]).outcome.decided == "matched"


@pytest.mark.parametrize(
    ("web", "kept"),
    [
        ("https://www.dwd.de", "https://www.dwd.de"),
        ("http://www.dwd.de", "http://www.dwd.de"),
        ("javascript:alert(1)", ""),
        ("ftp://dwd.de", ""),
        ("", ""),
    ],
)
def test_only_a_link_to_the_web_is_handed_on(web: str, kept: str) -> None:
    (said,) = decide(message(swap("<area>", f"<web>{web}</web><area>")), HERE).outcome.meanings
    assert said.web == kept


def test_who_says_it_is_the_senders_name_else_its_address() -> None:
    (unnamed,) = decide(message(), HERE).outcome.meanings
    (named,) = decide(message(swap("<headline>", "<senderName>Deutscher Wetterdienst</senderName><headline>")), HERE
        ).outcome.meanings  # fmt: skip
    assert (unnamed.sender_name, named.sender_name) == ("s@example.org", "Deutscher Wetterdienst")


@pytest.mark.parametrize(
    ("change", "begins"),
    [
        (str, 10),
        (without("onset"), 10),
        (swap("<onset>2027-07-14T12", "<onset>2027-07-14T14"), 12),
        (swap("<onset>2027-07-14T12:00:00+02:00</onset>", "<effective>2027-07-14T13:00:00+02:00</effective>"), 11),
    ],
)
def test_a_warning_begins_at_its_onset_else_when_it_takes_effect_else_when_it_was_sent(
    change: Callable[[str], str], begins: int
) -> None:
    (said,) = decide(message(change), HERE).outcome.meanings
    assert said.onset == datetime(2027, 7, 14, begins, tzinfo=UTC)


def test_what_stands_on_the_topics_is_bounded_however_much_a_message_says() -> None:
    pair = "<parameter><valueName>{}</valueName><value>{}</value></parameter>"
    many = "".join(pair.format(f"n{number}" + "x" * 100, "y" * 100) for number in range(50))
    names = f"<senderName>{'Amt ' * 50}</senderName>"
    (said,) = decide(message(swap("<area>", f"{names}{many}<area>")), HERE).outcome.meanings
    assert len(said.parameters) == 40
    assert {(len(name), len(value)) for name, value in said.parameters} == {(80, 80)}
    assert len(said.sender_name) <= 120
    assert said.sender_name.endswith("[…]")


def test_an_arabic_text_says_that_it_runs_from_right_to_left() -> None:
    def arabic(text: str) -> str:
        info = text[text.index("<info>") : text.index("</info>") + 7]
        return text.replace("</alert>", f"{info.replace('de-DE', 'ar')}</alert>")

    (said,) = decide(message(arabic), HERE).outcome.meanings
    assert {language: text.dir for language, text in said.texts.items()} == {"de": "ltr", "ar": "rtl"}
    assert not any(text.shortened for text in said.texts.values())


def test_two_infos_of_one_language_are_two_meanings() -> None:
    def twice(text: str) -> str:
        info = text[text.index("<info>") : text.index("</info>") + 7]
        return text.replace("</alert>", f"{info}</alert>")

    assert len(decide(message(twice), HERE).outcome.meanings) == 2


STAR = "52,7 50,8.2 51.4,6 51.4,8 50,5.8 52,7"
"""A pentagram around 51.1,7: its outline winds twice round its middle."""


@pytest.mark.parametrize("hole", ["", "51.41,6.99 51.41,7.01 51.43,7.01 51.43,6.99 51.41,6.99"])
def test_the_middle_of_an_outline_that_crosses_itself_is_warned_with_a_hole_elsewhere_as_well(hole: str) -> None:
    excluded = f"<geocode><valueName>EXCLUDE_POLYGON</valueName><value>{hole}</value></geocode>" if hole else ""
    inside = f"<polygon>{STAR}</polygon>{excluded}"
    middle = District("d", "D", "D", "c", frozenset(), shapely.box(6.99, 51.09, 7.01, 51.11), None, None, "unknown")
    assert decide(message(swap(f"<polygon>{SQUARE}</polygon>", inside)), [middle]).outcome.decided == "matched"


def test_a_hole_is_taken_out_of_every_outline_of_its_area_and_one_that_lies_elsewhere_takes_nothing() -> None:
    def square(west: float, south: float, size: float) -> str:
        east, north = west + size, south + size
        return f"{south},{west} {south},{east} {north},{east} {north},{west} {south},{west}"

    holes = "".join(
        f"<geocode><valueName>EXCLUDE_POLYGON</valueName><value>{square(*hole)}</value></geocode>"
        for hole in ((7.2, 51.2, 0.2), (9.2, 51.2, 0.2), (30.0, 10.0, 1.0))
    )
    inside = f"<polygon>{square(7, 51, 1)}</polygon><polygon>{square(9, 51, 1)}</polygon>{holes}"
    body = message(swap(f"<polygon>{SQUARE}</polygon>", inside))

    def decided(west: float) -> str:
        box = shapely.box(west, 51.25, west + 0.1, 51.35)
        district = District("d", "D", "D", "c", frozenset(), box, None, None, "unknown")
        return decide(body, [district]).outcome.decided

    assert [decided(west) for west in (7.25, 7.5, 9.25, 9.5)] == ["no_district", "matched"] * 2
