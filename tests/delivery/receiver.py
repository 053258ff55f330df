"""A receiver of webhooks on this machine, which answers, hangs or drops the connection as a test wants it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""With which gateways of tests sign what they send."""


@dataclass
class Call:
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def notice(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiving:
    url: str
    answer: Callable[[Call], int | None] = lambda _: 204
    """A status; None drops the connection without one."""
    headers: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def notices(self) -> list[str]:
        return [call.notice for call in self.calls]


@contextmanager
def receiver() -> Iterator[Receiving]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            call = Call({name.lower(): value for name, value in self.headers.items()}, body, time.time())
            found.calls.append(call)
            time.sleep(found.took_s)
            status = found.answer(call)
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"content-length": "0", **found.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Receiving(f"http://127.0.0.1:{server.server_port}/in")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
