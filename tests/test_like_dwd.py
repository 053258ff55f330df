"""Messages of our own are as hard as the DWD's: without this, tests over them would hold less than over real ones."""

import shapely

from tests.like_dwd import DwdMessages, districts, ours
from warnsys.cap import dwd, read_alert, read_bundle


def test_messages_are_as_large_as_the_dwds_with_as_many_languages_cells_and_holes(dwd_messages: DwdMessages) -> None:
    (member,) = read_bundle(dwd_messages.test)
    assert 255_000 < len(member.body) < 275_000
    assert member.body.count(b"EXCLUDE_POLYGON") == len(read_alert(member.body).infos) == 8
    for info in read_alert(member.body).infos:
        assert len([cell for area in info.areas for cell in dwd.warn_cells(area)]) > 95
        assert {(area.altitude_ft, area.ceiling_ft) for area in info.areas} == {(0, 9842.5197)}
    snow = read_alert(dwd_messages.snow).infos[0].areas
    assert {(area.altitude_ft, area.ceiling_ft) for area in snow} == {(656.16798, 9842.5197)}
    assert len(snow[0].polygons[0]) > 80
    assert all(ring[-1] == ring[-2] for area in snow for ring in area.polygons)


def test_a_message_of_ours_lists_quarters_too() -> None:
    (member,) = read_bundle(ours().test)
    assert [cell for area in read_alert(member.body).infos[0].areas for cell in dwd.warn_cells(area)][-1] == "705315109"


def test_communes_of_ours_lie_side_by_side_with_crooked_borders() -> None:
    outlines = [district.geometry for district in districts()]
    assert shapely.coverage_is_valid(outlines)
    assert min(shapely.get_num_coordinates(shapely.simplify(outlines, 1e-5))) > 20
