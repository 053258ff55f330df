"""The documentation site: links, decisions, drawings. `make site` builds it, and checks links within docs."""

import re
from pathlib import Path

import pytest

from tools.docs.adr_index import HEAD
from tools.docs.drawings import DRAWINGS
from tools.docs.links import rewrite

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)\s]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_links_to_is_there(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not missing


def test_the_index_of_decisions_lists_each_with_the_day_it_was_made() -> None:
    listed = (DOCS / "adr/index.md").read_text("utf-8")
    assert listed.startswith(HEAD)
    for page in sorted((DOCS / "adr").glob("0*.md")):
        assert re.search(rf"\]\({re.escape(page.name)}\) \| \w+ \| \d{{4}}-\d\d-\d\d \|", listed), (
            f"{page.name}: commit it, then `python -m tools.docs.adr_index docs/adr` lists it"
        )


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_the_one_that_its_script_draws_and_some_page_shows_it_with_words(name: str) -> None:
    path = DOCS / f"explanation/{name}.svg"
    assert path.read_text("utf-8") == DRAWINGS[name]().svg(), "python -m tools.docs.drawings docs/explanation"
    pages = "".join(page.read_text("utf-8") for page in (DOCS / "explanation").glob("*.md"))
    assert re.search(rf"!\[[^\]]{{20,}}\]\({name}\.svg\)", pages)


def test_a_link_into_the_source_tree_is_text_until_the_repository_has_an_address() -> None:
    source = DOCS / "how-to/operate.md"
    link = "[a test](../../tests/support.py) and [the pipeline](../../warnsys/pipeline.py#L1), [words](test.md)"
    shown = "a test (`tests/support.py`) and the pipeline (`warnsys/pipeline.py`), [words](test.md)"
    assert rewrite(link, source, DOCS, None) == shown
    assert rewrite(link, source, DOCS, "https://example.org/warnsys/").startswith(
        "[a test](https://example.org/warnsys/blob/main/tests/support.py) and"
    )


def test_a_link_to_a_missing_file_stays_broken_so_that_the_build_fails() -> None:
    assert rewrite("[x](../../no.py)", DOCS / "how-to/operate.md", DOCS, None) == "[x](../../no.py)"


PATH = re.compile(r"(?:warnsys|streams|geofences|tests|tools|benchmarks|deploy|docs)/[\w./-]+")
MODULE = re.compile(r"(?:warnsys|streams|geofences|tests|tools|benchmarks)(?:\.\w+)+")
GONE = {DOCS / "reference/glossary.md"}
"""Pages that name old places beside the new ones."""
MADE_UP = {"warnsys/channels/letter.py", "warnsys/feeds/json_list.py", "warnsys.folder"}
"""Names that pages ask readers to give to files of their own."""


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GONE], ids=lambda page: page.stem)
def test_paths_and_modules_that_a_page_names_exist(page: Path) -> None:
    missing = list[str]()
    for code in re.findall(r"`([^`\n]+)`", page.read_text("utf-8")):
        if PATH.fullmatch(code) and not (ROOT / code).exists():
            missing.append(code)
        if MODULE.fullmatch(code) and not code.endswith((".toml", ".rules.yaml")):
            first, second, *_ = code.split(".")
            if not any((ROOT / first / f"{second}{end}").exists() for end in (".py", "")):
                missing.append(code)
    assert not set(missing) - MADE_UP
