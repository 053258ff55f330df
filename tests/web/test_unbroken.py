"""A level, a time and a date each stay on one line."""

import pytest
from lxml import html

from tests.web.states import town_in
from tests.web.test_largest import parts, said
from warnsys.web.views import unbroken


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Unwetterwarnung, Stufe 3 von 4", ["Stufe 3 von 4"]),
        ("Severe weather warning, level 3 of 4", ["level 3 of 4"]),
        ("heute, Mi 14.07. 15:00 bis 18:00 Uhr", ["Mi 14.07.", "18:00 Uhr"]),
        ("today, Wed 14 Jul 15:00 to 17:30", ["Wed 14 Jul"]),
        ("Wind & <b>Regen</b>", []),
    ],
)
def test_what_belongs_together_is_kept_together_and_nothing_else_changes(text: str, whole: list[str]) -> None:
    (made,) = parts(html.fromstring(f"<div><p>{unbroken(text)}</p></div>"), "//p")
    assert made.text_content() == text
    assert [one.text for one in made] == whole
    assert all(one.get("class") == "whole" for one in made)


@pytest.mark.parametrize("path", ["/stele/solingen-1", "/embed/solingen-1", "/start", "/district/solingen-1", "/"])
def test_on_every_page_the_end_of_a_warning_stays_beside_its_uhr(path: str) -> None:
    page = html.fromstring(town_in("extreme").page(path))
    periods = parts(page, "//*[contains(@class, 'when')]")
    ends = [one for one in periods if " Uhr" in one.text_content()]
    assert ends
    assert all(any(said(part).endswith(" Uhr") for part in parts(one, ".//span")) for one in ends)
