"""A stand-in for the DWD's server, for demonstrations and tests: the same directory, names and conditional answers.

It listens on 127.0.0.1 only, and knows nothing but what it was given. Several nodes may stand behind its one address,
each with its own ETag and age, as the DWD's do; and it breaks in every known way when it is told to (`faults`).
"""

import hashlib
import html
import socketserver
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Thread
from types import MappingProxyType
from typing import Any, Protocol, Self, cast

from warnsys.feeds.names import FOLDER, file_name

CONTROL = "/fault/"
"""`POST /fault/NAME` breaks the server, `POST /fault/none` mends it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes over the wire."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0
    """Before the first byte."""
    bytes_a_s: float | None = None
    """None for as fast as it goes."""
    breaks_off_at: int | None = None
    """The connection ends after so many bytes of the body; 0: before the status."""
    raw: bytes | None = None
    """Instead of HTTP."""


@dataclass(frozen=True, slots=True)
class File:
    stamp: datetime
    content: bytes
    node: str = ""

    @property
    def validators(self) -> dict[str, str]:
        digest = hashlib.sha256(f"{self.node}{self.stamp}".encode() + self.content).hexdigest()[:16]
        return {"ETag": f'"{digest}"', "Last-Modified": format_datetime(self.stamp, usegmt=True)}

    def known(self, asked: Mapping[str, str]) -> bool:
        """Whether the asker has it: by If-None-Match, without that by If-Modified-Since (RFC 9110, 13.2.2)."""
        if tags := asked.get("if-none-match"):
            return self.validators["ETag"] in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        try:
            return self.stamp <= parsedate_to_datetime(asked["if-modified-since"])
        except (KeyError, ValueError, TypeError):
            return False

    def reply(self, asked: Mapping[str, str]) -> Reply:
        if self.known(asked):
            return Reply(304, b"", self.validators)
        return Reply(200, self.content, {"Content-Type": "application/zip", **self.validators})


@dataclass(frozen=True, slots=True)
class Node:
    """One of the servers behind the name."""

    skew: timedelta = timedelta(0)
    """How much later it wrote the file than the first one."""
    lag: int = 0
    """How many publications it is behind."""


class Fault(Protocol):
    """A way to be broken."""

    @property
    def name(self) -> str: ...

    def reply(self, server: "StandIn", path: str, asked: Mapping[str, str]) -> Reply:
        """Instead of the usual one."""


@dataclass(frozen=True, slots=True)
class _Always:
    status: int
    body: bytes
    name: str = "always"

    def reply(self, server: "StandIn", path: str, asked: Mapping[str, str]) -> Reply:  # noqa: ARG002 - always the same
        latest = server.latest()
        return Reply(self.status, self.body, latest.validators if latest else {})


NO_FAULTS: Mapping[str, Fault] = MappingProxyType({})


class StandIn:
    """The server; it runs from its creation until `close()`, or as long as a `with` block. Port 0 takes a free one.

    `faults` are the ways in which a POST to it breaks it, by name.
    """

    def __init__(
        self, port: int = 0, nodes: Sequence[Node] = (Node(),), faults: Mapping[str, Fault] = NO_FAULTS
    ) -> None:
        self.faults = faults
        self._files: dict[str, File] = {}  # replaced as a whole: requests read it from threads of their own
        self._published: list[File] = []
        self._nodes, self._turn = tuple(nodes), count()
        self._fault: Fault | None = None
        self.closing = Event()
        self._server = _Server(self, port)
        Thread(target=self._server.serve_forever, args=(0.02,), name="stand-in", daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Of LATEST."""
        return f"{self.address}{FOLDER}{file_name()}"

    def publish(self, stamp: datetime, bundle: bytes) -> None:
        """Make this what LATEST is, also where its (aware) stamp is older than the last, as DWD's servers may do."""
        file = File(stamp.astimezone(UTC).replace(microsecond=0), bundle)
        self._published.append(file)
        self._files = {**self._files, FOLDER + file_name(stamp): file, FOLDER + file_name(): file}

    def break_down(self, fault: Fault) -> None:
        """Answer as the fault does, until `answer_as_usual()`."""
        self._fault = fault

    def answer_with(self, status: int = 200, body: bytes = b"") -> None:
        """Answer everything like this, with a Last-Modified of the last stamp, until `answer_as_usual()`."""
        self._fault = _Always(status, body)

    def answer_as_usual(self) -> None:
        self._fault = None

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def latest(self, node: Node = Node(), name: str = "") -> File | None:
        """What LATEST is on a node, None before anything was published."""
        if not self._published:
            return None
        file = self._published[max(0, len(self._published) - 1 - node.lag)]
        return File(file.stamp + node.skew, file.content, name)

    def turn(self) -> int:
        """Counts the requests that nodes share."""
        return next(self._turn)

    def answer(self, path: str, asked: Mapping[str, str]) -> Reply:
        """What a request for a path, with its headers in lower case, is answered."""
        if self._fault:
            return self._fault.reply(self, path, asked)
        return self.usual(path, asked)

    def usual(self, path: str, asked: Mapping[str, str]) -> Reply:
        if path == FOLDER:
            return Reply(200, self._index(), {"Content-Type": "text/html; charset=utf-8"})
        if path == FOLDER + file_name() and self._published:
            turn = self.turn() % len(self._nodes)
            file = self.latest(self._nodes[turn], f"{turn}" if turn else "")
        else:
            file = self._files.get(path)
        return file.reply(asked) if file else Reply(404)

    def _index(self) -> bytes:
        names = sorted(path.removeprefix(FOLDER) for path in self._files)
        links = "".join(f'<a href="{html.escape(name)}">{html.escape(name)}</a>\n' for name in names)
        return f"<!doctype html><title>Index of {FOLDER}</title><pre>\n{links}</pre>\n".encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stand_in: StandIn, port: int) -> None:
        self.stand_in = stand_in
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Without HTTPServer's search for the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no matter."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 10

    @property
    def stand_in(self) -> StandIn:
        return cast(_Server, self.server).stand_in

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.stand_in.answer(self.path, headers))

    def do_POST(self) -> None:
        faults = self.stand_in.faults
        name = self.path.removeprefix(CONTROL)
        if name == "none":
            self.stand_in.answer_as_usual()
        elif self.path.startswith(CONTROL) and name in faults:
            self.stand_in.break_down(faults[name])
        else:
            known = ", ".join(("none", *faults))
            self._send(Reply(404, f"no such fault; there are: {known}\n".encode()))
            return
        self._send(Reply(200, f"{name}\n".encode()))

    def _send(self, reply: Reply) -> None:
        self.close_connection = True
        if self.stand_in.closing.wait(reply.wait_s) or reply.breaks_off_at == 0:
            return
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self._drip(reply.body[: reply.breaks_off_at], reply.bytes_a_s)

    def _drip(self, body: bytes, bytes_a_s: float | None) -> None:
        if bytes_a_s is None:
            self.wfile.write(body)
            return
        for number in range(len(body)):
            self.wfile.write(body[number : number + 1])
            if self.stand_in.closing.wait(1 / bytes_a_s):
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
