"""Every known way in which a server, or what stands between it and us, has been broken: for the stand-in."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from warnsys.feeds.names import FOLDER, file_name
from warnsys.simulation.standin import File, Node, Reply, StandIn

EMPTY = b"PK\x05\x06" + bytes(18)
"""The ZIP without members: legal, and it says that nothing is warned."""
HTML = b"<!doctype html><title>Wartung</title><p>Wir sind gleich wieder da."


@dataclass(frozen=True, slots=True)
class Request:
    """One for LATEST, with what would be answered in full."""

    server: StandIn
    file: File
    usual: Reply


Bend = Callable[[Request], Reply]


@dataclass(frozen=True, slots=True)
class Broken:
    """A fault of the stand-in."""

    name: str
    what: str
    """In one sentence, for people."""
    bend: Bend

    def reply(self, server: StandIn, path: str, asked: Mapping[str, str]) -> Reply:
        if path != FOLDER + file_name() or not (latest := server.latest()):
            return server.usual(path, asked)
        return self.bend(Request(server, latest, latest.reply({})))


def _repacked(content: bytes, *, rename: Callable[[str], str] = str, more: Mapping[str, bytes] = {}) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(rename(entry.filename)), old.read(entry))
        for name, body in more.items():
            new.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _encrypted(content: bytes) -> bytes:
    """With the flag of every member that says so, in the directory and before the member itself."""
    flagged = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = flagged.find(signature)
        while at >= 0:
            flagged[at + offset] |= 1
            at = flagged.find(signature, at + 4)
    return bytes(flagged)


def _twice(content: bytes) -> bytes:
    """All members under the first one's name, the next one's in the same length."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        first = old.namelist()[0]
    packed = _repacked(content, more={"~" + first[1:]: b"<alert/>"})
    return packed.replace(b"~" + first[1:].encode(), first.encode())


def _status(status: int) -> Bend:
    return lambda asked: Reply(status, HTML, {"Content-Type": "text/html", **asked.file.validators})


def _zip(change: Callable[[bytes], bytes]) -> Bend:
    return lambda asked: replace(asked.usual, body=change(asked.usual.body))


def _instead(body: bytes, content_type: str = "application/zip") -> Bend:
    return lambda asked: Reply(200, body, {**asked.usual.headers, "Content-Type": content_type})


def _clock(later: timedelta) -> Bend:
    return lambda asked: File(asked.file.stamp + later, asked.file.content).reply({})


def _headers(*without: str, **more: str) -> Bend:
    def bend(asked: Request) -> Reply:
        kept = {name: value for name, value in asked.usual.headers.items() if name not in without}
        return replace(asked.usual, headers={**kept, **{name.replace("_", "-"): value for name, value in more.items()}})

    return bend


def _moved(where: Callable[[Request], str]) -> Bend:
    return lambda asked: Reply(302, b"", {"Location": where(asked)})


def _moved_to(where: str) -> Bend:
    return lambda _: Reply(302, b"", {"Location": where} if where else {})


def _dated(asked: Request) -> str:
    return file_name(asked.file.stamp)


def _hung_up(asked: Request) -> Reply:
    return replace(asked.usual, breaks_off_at=0)


def _older(asked: Request) -> Reply:
    return (asked.server.latest(Node(lag=1)) or asked.file).reply({})


def _flapping(asked: Request) -> Reply:
    turn = asked.server.turn() % 2
    return File(asked.file.stamp + timedelta(seconds=turn), asked.file.content, f"node {turn}").reply({})


FAULTS: dict[str, Broken] = {
    fault.name: fault
    for fault in (
        Broken("slow", "Nothing is said for a quarter of a minute.", lambda asked: replace(asked.usual, wait_s=15)),
        Broken("dripping", "The answer comes at one byte a second.", lambda asked: replace(asked.usual, bytes_a_s=1)),
        Broken(
            "cut-off", "The connection ends in the middle of the answer.",
            lambda asked: replace(asked.usual, breaks_off_at=len(asked.usual.body) // 2),
        ),
        Broken("hung-up", "The connection ends before any answer.", _hung_up),
        Broken("not-http", "Something else answers.", lambda asked: replace(asked.usual, raw=b"220 mail\r\n")),
        Broken("status-500", "HTTP 500.", _status(500)),
        Broken("status-503", "HTTP 503, as during maintenance.", _status(503)),
        Broken("status-404", "HTTP 404, as after a change of address.", _status(404)),
        Broken("status-403", "HTTP 403, as from a firewall.", _status(403)),
        Broken("status-429", "HTTP 429, as to too eager clients.", _status(429)),
        Broken("status-204", "HTTP 204, a success without content.", _status(204)),
        Broken("frozen-304", "HTTP 304 for ever.", lambda asked: Reply(304, b"", asked.file.validators)),
        Broken("html", "HTTP 200 with an HTML page in place of the ZIP.", _instead(HTML, "text/html")),
        Broken("wrong-type", "The right ZIP under a wrong Content-Type.", _headers(Content_Type="text/html")),
        Broken("packed", "A proxy says that it compressed the answer.", _headers(Content_Encoding="gzip")),
        Broken("nothing", "HTTP 200 with no byte of content.", _instead(b"")),
        Broken("truncated", "The ZIP lacks its last 30 bytes.", _zip(lambda content: content[:-30])),
        Broken("half", "The ZIP lacks its second half.", _zip(lambda content: content[: len(content) // 2])),
        Broken("garbage", "Bytes that were never a ZIP.", _instead(bytes(range(256)) * 8)),
        Broken("encrypted", "All members are under a password.", _zip(_encrypted)),
        Broken("dotdot", "Members' names lead out of the folder.", _zip(lambda c: _repacked(c, rename="../{}".format))),
        Broken("absolute", "Members' names begin at the root.", _zip(lambda c: _repacked(c, rename="/etc/{}".format))),
        Broken("backslash", "Members' names have backslashes.", _zip(lambda c: _repacked(c, rename="..\\{}".format))),
        Broken("twice", "Two members have one name.", _zip(_twice)),
        Broken("bomb", "A member unpacks to 16 MB.", _zip(lambda c: _repacked(c, more={"0.xml": bytes(2**24)}))),
        Broken(
            "crowd", "There are more than 5,000 members.",
            _zip(lambda c: _repacked(c, more={f"{number}.xml": b"" for number in range(5_001)})),
        ),
        Broken("endless", "The answer has 65 MB.", _zip(lambda content: content + bytes(65 * 1024 * 1024))),
        Broken("moved", "A redirect to the dated file of the same server.", _moved(_dated)),
        Broken("moved-away", "A redirect to a host that nobody named.", _moved_to("http://127.0.0.1:9/x.zip")),
        Broken("moved-in-circles", "A redirect to itself.", _moved(lambda asked: asked.server.url)),
        Broken("moved-nowhere", "A redirect without an address.", _moved_to("")),
        Broken("timeless", "No Last-Modified.", _headers("Last-Modified", "ETag")),
        Broken("odd-time", "A Last-Modified that is none.", _headers("ETag", Last_Modified="gestern")),
        Broken("fast-clock", "The server's clock is two hours fast.", _clock(timedelta(hours=2))),
        Broken("slow-clock", "The server's clock is two hours slow.", _clock(timedelta(hours=-2))),
        Broken("older", "The publication before the last one comes again.", _older),
        Broken("flapping", "Two nodes, whose files are a second apart, take turns.", _flapping),
        Broken("emptied", "The legal empty ZIP in the middle of a storm.", _instead(EMPTY)),
    )
}  # fmt: skip
