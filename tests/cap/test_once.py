"""Languages that repeat the areas of the first: read without the repetition, and never otherwise than as a whole."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cap.test_read import AREA, alert_xml
from tests.cap.verdict import verdict
from tests.like_dwd import DwdMessages
from warnsys.cap import read_bundle
from warnsys.cap.once import parse_once

OTHER = AREA.replace("51,7 ", "52,8 ").replace("51,7<", "52,8<")
FIRST = alert_xml(area="").decode()
FIELDS = FIRST[FIRST.index("<info>") + len("<info>") : FIRST.index("</info>")]
HEAD = FIRST[: FIRST.index("<info>")]
NOISE = (
    "", "", "", "", "x", "/>", "<x>", "</x>", "<x/>", "<!--", "-->", "<!-- <area> -->", "<!-- </info> -->",
    "<![CDATA[</info>]]>", "<![CDATA[<area>]]>", "<![CDATA[", "]]>", "<?y <area?>", "<?y", "?>", "<info/>", "<info>",
    "</info>", "<area>", "</area>", "<areaDesc>y</areaDesc>", "<resource><area/></resource>", "<information/>",
    '<x xmlns="urn:x">', '<x xmlns:cap="urn:x"/>', "<cap:x/>", "&lt;area>", "&amp;", "&x;",
)  # fmt: skip
BEFORE = (
    "", "", '<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0" encoding="UTF-7"?>',
    "<!-- -->", "<!-- <info><area></info> -->",
)  # fmt: skip
noise = st.sampled_from(NOISE)
fields = st.sampled_from((FIELDS, FIELDS, FIELDS.replace("Severe", "Minor"), ""))
infos = st.builds(
    "{0}<info>{1}{2}{3}{4}{5}</info>{6}".format,
    noise, noise, fields, noise, st.sampled_from(("", AREA, AREA, AREA * 2, OTHER, AREA + FIELDS)), noise, noise,
)  # fmt: skip
bodies = st.builds(
    lambda head, infos, again, tail, encoding: f"{head}{HEAD}{''.join(infos * again)}{tail}</alert>".encode(encoding),
    st.sampled_from(BEFORE),
    st.lists(infos, min_size=1, max_size=3), st.integers(1, 2), noise, st.sampled_from(("utf-8", "utf-8", "utf-16")),
)  # fmt: skip


def with_prefix(body: bytes, prefix: str) -> bytes:
    text = body.decode().replace("xmlns=", f"xmlns:{prefix}=").replace("<", f"<{prefix}:")
    return text.replace(f"<{prefix}:/", f"</{prefix}:").encode()


def message(*tails: str) -> bytes:
    return (HEAD + "".join(f"<info>{FIELDS}{tail}</info>" for tail in tails) + "</alert>").encode()


@given(bodies)
@settings(max_examples=2_000)
def test_a_message_read_once_is_the_message_read_whole(body: bytes) -> None:
    assert verdict(body, whole=False) == verdict(body, whole=True)


def test_every_message_of_the_corpus_is_the_same_read_whole(corpus: Path) -> None:
    for path in sorted(corpus.glob("*/*")):
        content = path.read_bytes()
        for body in [member.body for member in read_bundle(content)] if path.suffix == ".zip" else [content]:
            assert verdict(body, whole=False) == verdict(body, whole=True), path.name


def test_of_eight_languages_the_areas_are_read_once_and_as_a_whole_would_be(dwd_messages: DwdMessages) -> None:
    (member,) = read_bundle(dwd_messages.test)
    assert parse_once(member.body).alike == set(range(1, 8))
    for body in (member.body, dwd_messages.snow, dwd_messages.update, dwd_messages.light):
        assert verdict(body, whole=False) == verdict(body, whole=True)


@pytest.mark.parametrize("prefix", ["", "cap"])
def test_what_is_written_as_in_the_first_info_is_left_out_and_nothing_else(prefix: str) -> None:
    body = message(AREA * 2, OTHER, AREA * 2, "", AREA, AREA * 2)
    written = b'<?xml version="1.0" encoding="utf-8"?>' + (with_prefix(body, prefix) if prefix else body)
    assert parse_once(written).alike == parse_once(body).alike == {2, 5}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(message(AREA, AREA).replace(b"</info>", b"<!-- --></info>", 1), id="comment"),
        pytest.param(b"<!-- -->" + message(AREA, AREA), id="comment-before"),
        pytest.param(message(AREA, AREA).replace(b"<event>E", b"<event><![CDATA[E]]>"), id="cdata"),
        pytest.param(message(AREA, AREA).replace(b"<info>", b"<?x y?><info>", 1), id="instruction"),
        pytest.param(message(AREA, AREA).replace(b"<info>", b'<info xmlns:x="urn:x">', 1), id="namespace"),
        pytest.param(message(AREA, AREA).replace(b"</alert>", b"<info/></alert>"), id="empty-info"),
        pytest.param(b'<?xml version="1.0" encoding="ISO-8859-1"?>' + message(AREA, AREA), id="encoding"),
        pytest.param(message(f"{AREA}<web>w</web>", f"{AREA}<web>w</web>"), id="more-than-areas"),
        pytest.param(message(f"<areaDesc>x</areaDesc>{AREA}", f"<areaDesc>x</areaDesc>{AREA}"), id="like-an-area"),
        pytest.param(message(f"<resource>{AREA}</resource>", f"<resource>{AREA}</resource>"), id="not-in-the-info"),
    ],
)
def test_nothing_is_left_out_where_it_might_mean_another_thing(body: bytes) -> None:
    assert parse_once(body).alike == frozenset()


def test_what_is_broken_is_refused_where_only_the_repetition_is_broken() -> None:
    assert verdict(message(f"<x>{AREA}</x>", f"{AREA}</x>"), whole=False) == ("not-xml", "line 1")
