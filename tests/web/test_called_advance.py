"""An advance notice is called one in the report of a shift, and by the API's status, not by a flag beside a level."""

import pytest

from tests.support import meaning, outcome, snapshot, tick
from tests.web.sites import Desk
from tests.web.states import STATES


def announced() -> Desk:
    """A storm of level 3 is announced for the evening, and nothing holds."""
    return Desk().take(tick(0), outcome("A", meaning(urgency="Future", onset=600, expires=900)), snapshot(0, "A"))


def test_the_report_of_a_shift_calls_an_advance_notice_one() -> None:
    page = " ".join(announced().page("/lagebericht").split())
    assert 'Vorabinformation: <span class="badge level-3 advance">' in page
    assert "Advance notice: <span" in announced().page("/lagebericht?lang=en") or (
        "advance notice: <span" in announced().page("/lagebericht?lang=en")
    )


def test_a_warning_is_not_called_an_advance_notice() -> None:
    page = STATES["severe"]().page("/lagebericht")
    assert "Vorabinformation: <span" not in page


@pytest.mark.parametrize("path", ["/api/districts", "/api/districts.geojson", "/api/districts/d1/situation"])
def test_the_api_says_advance_where_nothing_else_holds(path: str) -> None:
    found = announced().public.get(path).json()
    first = found[0] if isinstance(found, list) else found.get("district") or found["features"][0]["properties"]
    assert (first["status"], first["level"], first["advance"]) == ("advance", 3, True)


def test_a_warning_beside_an_advance_notice_is_warned_and_what_expired_is_not_advance() -> None:
    both = announced().take(outcome("B", meaning(severity="Minor")), snapshot(5, "A", "B"))
    assert {one["status"] for one in both.public.get("/api/districts").json()} == {"warned"}
    over = Desk().take(tick(0), outcome("C", meaning(expires=60)), snapshot(0, "C"), tick(61)).later(61)
    assert "advance" not in {one["status"] for one in over.public.get("/api/districts").json()}


@pytest.mark.parametrize(
    ("language", "badge", "name"),
    [
        ("de", "Vorabinformation, Stufe 3 von 4", "Unwetterwarnung möglich"),
        ("en", "advance notice, level 3 of 4", "Severe weather warning possible"),
    ],
)
@pytest.mark.parametrize("path", ["/district/d1", "/start"])
def test_a_page_says_once_that_it_is_an_advance_notice(path: str, language: str, badge: str, name: str) -> None:
    page = announced().public.get(f"{path}?lang={language}").text
    assert f">{badge}</span>" in page
    assert f"</span> {name}</p>" in page or f'<span class="grade">{name}</span>' in page


def test_where_a_warning_holds_a_worse_advance_notice_does_not_stand_for_it_in_api_map_and_table() -> None:
    """A gale of level 2 holds, a storm of level 3 may come: that is neither level 3 nor only an advance notice."""
    desk = announced().take(outcome("B", meaning(severity="Moderate", expires=90)), snapshot(5, "A", "B"))
    for path in ("/api/v1/districts", "/api/v1/districts.geojson", "/api/v1/districts/d1/situation"):
        found = desk.public.get(path).json()
        first = found[0] if isinstance(found, list) else found.get("district") or found["features"][0]["properties"]
        assert (first["status"], first["level"], first["advance"]) == ("warned", 2, False), path
    for path in ("/", "/bezirk/d1"):
        page = desk.page(path)
        there = page[page.index('class="districts"') :].partition("</table>")[0] if path == "/" else page
        assert ">Stufe 2 von 4</span>" in there, path
    assert "Vorabinformation, Stufe 3 von 4" in desk.page("/"), "beside it, in what is announced"


def test_the_desk_calls_an_advance_notice_one_in_its_table_of_districts_its_matrix_and_its_timeline() -> None:
    page = announced().page("/")
    table = page[page.index('class="districts"') :].partition("</table>")[0]
    assert table.count(">Vorabinformation, Stufe 3 von 4</span>") == 2
    assert ">Stufe 3 von 4</span>" not in table
    matrix = page[page.index('class="matrix"') :].partition("</table>")[0]
    assert '<span aria-hidden="true">Vorabinfo 3/4</span>' in matrix
    lanes = page[page.index('class="timeline"') :].partition("</svg>")[0]
    assert ">Vorabinfo 3/4 " in lanes


def test_the_desk_calls_no_warning_an_advance_notice() -> None:
    warned = Desk().take(tick(0), outcome("A", meaning()), snapshot(0, "A")).page("/")
    assert "Vorabinformation, Stufe 3" not in warned
    assert "Vorabinfo 3/4" not in warned


async def test_an_advance_notice_that_a_stop_held_back_is_called_one() -> None:
    desk = Desk().take(tick(0), snapshot(0))
    await desk.stop("push")
    later = meaning(urgency="Future", onset=600, expires=900)
    desk.later(1).take(tick(1), outcome("A", later, stamp=1, sent=1))
    page = desk.page("/")
    held = page[page.index('class="heldback"') :].partition("</div>")[0]
    assert "Vorabinformation, Stufe 3 von 4" in held
