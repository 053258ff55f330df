"""Rewrites links of pages in docs/ that lead into the source tree, which a documentation site does not have.

Such a link leads to the repository where its address is known; otherwise the site shows the path as text.
"""

import re
from pathlib import Path

LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>(?![a-z]+:|#|/|<)[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def rewrite(markdown: str, source: Path, docs: Path, repository: str | None) -> str:
    """The text of the page `source` with links that a site can follow; a link to a missing file stays broken."""
    docs = docs.resolve()

    def replaced(link: re.Match[str]) -> str:
        target = (source.parent / link["target"]).resolve()
        inside = target.is_relative_to(docs) and target.is_file()
        if inside or not target.exists() or not target.is_relative_to(docs.parent):
            return link[0]
        path = target.relative_to(docs.parent).as_posix()
        if repository:
            return f"[{link['text']}]({repository.rstrip('/')}/blob/main/{path}{link['anchor'] or ''})"
        shown = f"`{path}`"
        return shown if link["text"].strip("`").rstrip("/") == path else f"{link['text']} ({shown})"

    return LINK.sub(replaced, markdown)
