"""What a disk refuses, in a sentence that names the place and the remedy."""

import errno
from collections.abc import Iterator
from pathlib import Path

_REFUSALS = {
    errno.ENOENT: "no such file or folder; name one that is there",
    errno.ENOTDIR: "this is no folder; name one",
    errno.EISDIR: "this is a folder; name a file",
    errno.EACCES: "this user may not use it; give it the right, or name another place",
    errno.EPERM: "this user may not use it; give it the right, or name another place",
    errno.EROFS: "this disk cannot be written to; name another place",
    errno.ENOSPC: "the disk is full; make room, or name another place",
    errno.ELOOP: "this link leads in a circle; name the file itself",
    errno.ENAMETOOLONG: "this name is too long; name a shorter one",
    errno.EEXIST: "there is something of this name already; name another place",
}


def disk_says(error: OSError, place: Path | str | None = None) -> str:
    """The sentence for an error; `place` is meant where the error names none."""
    named = place if error.filename is None else error.filename
    said = _REFUSALS.get(error.errno or 0, f"{error.strerror or error}; look after the disk, or name another place")
    return said if named is None else f"{named}: {said}"


def cap_files(path: Path) -> Iterator[Path]:
    """A file itself, or the CAP files and ZIPs in a folder and its folders, in the order of their names."""
    if not path.is_dir():
        yield path
        return
    for inside in sorted(path.iterdir()):
        if inside.is_dir() or inside.suffix.lower() in (".xml", ".cap", ".zip"):
            yield from cap_files(inside)
