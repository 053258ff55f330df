"""A stand-in for the DWD's server, for demonstrations and tests: the same directory, names and conditional answers.

It listens on 127.0.0.1 only, on a free port, and knows nothing but what it was given.
"""

import hashlib
import html
import socketserver
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self, cast

FOLDER = "/weather/alerts/cap/COMMUNEUNION_EVENT_STAT/"


def file_name(stamp: datetime | None = None) -> str:
    """The name of the dated file of an aware time, or of LATEST."""
    when = stamp.astimezone(UTC).strftime("%Y%m%d%H%M%S") if stamp else "LATEST"
    return f"Z_CAP_C_EDZW_{when}_PVW_STATUS_PREMIUMEVENT_COMMUNEUNION_MUL.zip"


class StandIn:
    """The server; it runs from its creation until `close()`, or as long as a `with` block."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}  # replaced as a whole: requests read it from threads of their own
        self._fault: tuple[int, bytes] | None = None
        self._server = _Server(self)
        Thread(target=self._server.serve_forever, args=(0.02,), name="stand-in", daemon=True).start()

    @property
    def url(self) -> str:
        """Of LATEST."""
        return f"http://127.0.0.1:{self._server.server_port}{FOLDER}{file_name()}"

    def publish(self, stamp: datetime, bundle: bytes) -> None:
        """Make this what LATEST is, also where its (aware) stamp is older than the last, as DWD's servers may do."""
        file = _File(stamp.astimezone(UTC).replace(microsecond=0), bundle)
        self._files = {**self._files, FOLDER + file_name(stamp): file, FOLDER + file_name(): file}

    def answer_with(self, status: int = 200, body: bytes = b"") -> None:
        """Answer everything like this, with a Last-Modified of the last stamp, until `answer_as_usual()`."""
        self._fault = status, body

    def answer_as_usual(self) -> None:
        self._fault = None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def answer(self, path: str, asked: Mapping[str, str]) -> "_Answer":
        """What a request for a path, with its headers in lower case, is answered."""
        if self._fault:
            latest = self._files.get(FOLDER + file_name())
            return _Answer(self._fault[0], self._fault[1], latest.validators if latest else {})
        if path == FOLDER:
            return _Answer(200, self._index(), {"Content-Type": "text/html; charset=utf-8"})
        if not (file := self._files.get(path)):
            return _Answer(404, b"")
        if file.known(asked):
            return _Answer(304, b"", file.validators)
        return _Answer(200, file.content, {"Content-Type": "application/zip", **file.validators})

    def _index(self) -> bytes:
        names = sorted(path.removeprefix(FOLDER) for path in self._files)
        links = "".join(f'<a href="{html.escape(name)}">{html.escape(name)}</a>\n' for name in names)
        return f"<!doctype html><title>Index of {FOLDER}</title><pre>\n{links}</pre>\n".encode()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _File:
    stamp: datetime
    content: bytes

    @property
    def validators(self) -> dict[str, str]:
        digest = hashlib.sha256(f"{self.stamp}".encode() + self.content).hexdigest()[:16]
        return {"ETag": f'"{digest}"', "Last-Modified": format_datetime(self.stamp, usegmt=True)}

    def known(self, asked: Mapping[str, str]) -> bool:
        """Whether the asker has it: by If-None-Match, without that by If-Modified-Since (RFC 9110, 13.2.2)."""
        if tags := asked.get("if-none-match"):
            return self.validators["ETag"] in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        try:
            return self.stamp <= parsedate_to_datetime(asked["if-modified-since"])
        except (KeyError, ValueError, TypeError):
            return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Without HTTPServer's search for the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = cast(_Server, self.server).stand_in.answer(self.path, headers)
        self.send_response(answer.status)
        for name, value in (answer.headers or {}).items():
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
