"""DWD's parameters as quantities with units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.like_dwd import DwdMessages
from warnsys.cap import dwd, read_alert
from warnsys.cap.quantities import DIMENSIONS, KINDS, UNITS, Quantity, quantity


@pytest.fixture(autouse=True)
def _read_anew() -> None:
    """What another test had read is not remembered."""
    quantity.cache_clear()


@pytest.mark.parametrize(
    ("name", "text", "kind", "low", "high", "about", "unit", "hours"),
    [
        ("gusts", "~55 [km/h]", "gusts", 55, 55, True, "km/h", None),
        ("gusts", "65-75 [km/h]", "gusts", 65, 75, False, "km/h", None),
        ("gusts", ">120 [km/h]", "gusts", 120, None, False, "km/h", None),
        ("exposed gusts", "<85 [km/h]", "exposed_gusts", None, 85, False, "km/h", None),
        ("Böen", "28 [m/s]", "gusts", 100.8, 100.8, False, "km/h", None),
        ("Wind", "30 [kn]", "wind", 55.56, 55.56, False, "km/h", None),
        ("precipitation", "20-35 [l/m² in 6h]", "precipitation", 20, 35, False, "l/m²", 6),
        ("precipitation", "15-25 [l/m²] in 1h", "precipitation", 15, 25, False, "l/m²", 1),
        ("heavy rain", "~25 [mm in 60 min]", "precipitation", 25, 25, True, "mm", 1),
        ("Niederschlag", "40 bis 60 [l/m² in 12 Stunden]", "precipitation", 40, 60, False, "l/m²", 12),
        ("snowfall", "5 – 10 [cm in 12 Std.]", "snow", 5, 10, False, "cm", 12),
        ("Schneefall", "2-6 [cm]", "snow", 2, 6, False, "cm", None),
        ("Staulagen", "<12 [cm]", "snow_windward", None, 12, False, "cm", None),
        ("hail", "<2 [cm]", "hail", None, 2, False, "cm", None),
        ("Hagel", "ca. 2,5 [cm]", "hail", 2.5, 2.5, True, "cm", None),
        ("temperature", "-5--2 [°C]", "temperature", -5, -2, False, "°C", None),
        ("Lufttemperatur", "-2 bis -10 [°C]", "temperature", -10, -2, False, "°C", None),
        ("Tiefsttemperatur", "<-10 [°C]", "temperature", None, -10, False, "°C", None),
        ("felt temperature", ">38 [°C]", "felt_temperature", 38, None, False, "°C", None),
        ("visibility", "<150 [m]", "visibility", None, 150, False, "m", None),
    ],
)
def test_a_parameter_is_read_with_its_unit(
    name: str, text: str, kind: str, low: float, high: float, about: bool, unit: str, hours: float
) -> None:
    found = quantity(name, text)
    assert (found.kind, found.low, found.high, found.about, found.unit, found.hours) == (
        kind, low, high, about, unit, hours,
    )  # fmt: skip
    assert (found.name, found.text) == (name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wind direction", "west"),
        ("gusts", "stormy"),
        ("gusts", "8-9 [Bft]"),
        ("gusts", "20 [cm]"),
        ("hail", "2"),
        ("snowfall", ""),
        ("temperature", "bis -8 [°C]"),
        ("visibility", "<1.000 [m]"),
        ("precipitation", "20 [l/m² in 6h] - 40"),
        ("lightning", "20 [cm]"),
    ],
)
def test_what_cannot_be_read_for_sure_stays_text(name: str, text: str) -> None:
    found = quantity(name, text)
    assert not found.known
    assert (found.name, found.text, found.unit) == (name, text, "")


@given(st.text(max_size=40) | st.sampled_from(sorted(KINDS)), st.text(max_size=80))
def test_no_parameter_is_fatal(name: str, text: str) -> None:
    found = quantity(name, text)
    assert (found.name, found.text) == (name, text)


@given(
    name=st.sampled_from(sorted(KINDS)),
    numbers=st.tuples(st.integers(-400, 400), st.integers(-400, 400)),
    join=st.sampled_from(["-", " - ", " bis ", "–", " to "]),
    unit=st.sampled_from(sorted(UNITS)),
    hours=st.none() | st.integers(1, 72),
)
def test_a_range_is_read_however_it_is_written_or_stays_text(
    name: str, numbers: tuple[int, int], join: str, unit: str, hours: int | None
) -> None:
    kind, (said, factor) = KINDS[name], UNITS[unit]
    text = f"{numbers[0]}{join}{numbers[1]} [{unit}{f' in {hours}h' if hours else ''}]"
    found = quantity(name, text)
    if said in DIMENSIONS[kind]:
        low, high = (round(number * factor, 3) for number in sorted(numbers))
        assert found == Quantity(kind, name, text, low, high, False, said, hours)
    else:
        assert not found.known


def test_messages_of_the_dwd_have_their_quantities(dwd_messages: DwdMessages) -> None:
    (info,) = read_alert(dwd_messages.snow).infos
    assert [(one.kind, one.low, one.high, one.unit) for one in dwd.quantities(info)] == [
        ("snow", 8, 14, "cm"),
        ("snow_windward", None, 20, "cm"),
    ]
