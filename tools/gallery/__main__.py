"""Writes the gallery: `python -m tools.gallery FILE`."""

import sys
from pathlib import Path

from tools.gallery import gallery

if len(sys.argv) != 2:
    sys.exit("usage: python -m tools.gallery FILE")
Path(sys.argv[1]).write_text(gallery().text(), "utf-8")
