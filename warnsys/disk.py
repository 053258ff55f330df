"""What a disk refuses, in a sentence that names the place and the remedy."""

import errno
import os
import stat
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
    errno.ENXIO: "this is a pipe, a socket or a device; save what comes from it in a file, and name that",
    errno.EEXIST: "there is something of this name already; name another place",
}


def disk_says(error: OSError, place: Path | str | None = None) -> str:
    """The sentence for an error; `place` is meant where the error names none."""
    named = place if error.filename is None else error.filename
    said = _REFUSALS.get(error.errno or 0, f"{error.strerror or error}; look after the disk, or name another place")
    return said if named is None else f"{named}: {said}"


def content_of(file: Path) -> bytes:
    """The bytes of a file. Raises `OSError`, also for what is none: a pipe waits, and a device never ends."""
    mode = file.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder is refused as it is opened
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), str(file))
    return file.read_bytes()


def cap_files(path: Path) -> Iterator[Path]:
    """A file itself, or the CAP files and ZIPs in a folder and its folders, in the order of their names.

    Links to folders are not followed: they may lead in a circle. What cannot be looked into is given itself, so that
    who opens it hears why.
    """
    try:
        found = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError:
        yield path
        return
    for entry in found:
        inside = path / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from cap_files(inside)
        elif inside.suffix.lower() in (".xml", ".cap", ".zip"):
            yield inside
