"""One test a lifecycle story, named after it; the table in the docs is made from the same data."""

from pathlib import Path

import pytest

from tests.domain.stories import STORIES
from tests.domain.story import Story, play
from tests.support import distinct_ids
from tools.docs import lifecycle
from warnsys.records import PushNotice


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_story(story: Story) -> None:
    played = play(story)
    assert played.heard == story.heard
    assert played.shown == story.shown
    assert len(played.decided) == len(story.decided)
    for found, expected in zip(played.decided, story.decided, strict=True):
        assert found.startswith(expected)
    assert distinct_ids(played.notices)
    if story.says:
        last = [one for one in played.notices if isinstance(one, PushNotice) and one.audience == "public"][-1]
        for said in story.says:
            assert said in last.body["de"]


def test_the_table_in_the_docs_is_what_the_stories_say() -> None:
    """Write it again with: make docs."""
    written = Path(lifecycle.__file__).parents[2] / "docs" / "reference" / "lifecycle.md"
    assert written.read_text("utf-8") == lifecycle.page()


def test_there_are_some_thirty_stories_and_each_has_its_own_name() -> None:
    assert len({story.name for story in STORIES}) == len(STORIES) >= 30
