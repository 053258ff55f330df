"""The documentation site: `make site`. It loads nothing from elsewhere: no fonts, no scripts, no counters."""

import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.docs.links import rewrite  # noqa: E402 - found from here on

_project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REPOSITORY = _project.get("urls", {}).get("Source")

project = "warnsys"
author = "The warnsys contributors"
copyright = "The warnsys contributors, Apache-2.0"  # noqa: A001 - Sphinx's name
release = version = _project["version"]
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"warnsys {release}"
html_show_sphinx = False
html_copy_source = False
exclude_patterns = ["contracts/schemas", "contracts/examples"]
myst_heading_anchors = 4
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # JSON with "…" in it


def read(app: Any, name: str, source: list[str]) -> None:
    """Links into the source tree lead to the repository, or stand as text; broken ones fail the build."""
    source[0] = rewrite(source[0], Path(app.env.doc2path(name)), Path(app.srcdir), REPOSITORY)


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("source-read", read)
