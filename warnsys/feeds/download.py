"""Asking over HTTP: conditional, within limits of time and bytes, redirected only to hosts that the settings name."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from warnsys.feeds.answer import Answer, Refused
from warnsys.feeds.kinds import SourceKind
from warnsys.feeds.names import stamp_in
from warnsys.settings import Source

MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
BROWSE = "open the address in a browser"


class WebSource:
    """One address. The client's proxies are the caller's choice; redirects and timeouts are set here."""

    def __init__(self, source: Source, client: httpx.AsyncClient) -> None:
        self._source, self._client = source, client
        self._hosts = {_host(httpx.URL(source.url)), *source.redirect_hosts}

    @property
    def place(self) -> str:
        return self._source.url

    async def ask(self, validators: Mapping[str, str], now: datetime) -> Answer | None:  # noqa: ARG002 - a server has its own time
        """The server's answer, None if it has not changed. Raises `Refused`."""
        try:
            async with asyncio.timeout(self._source.total_s):
                return await self._follow(httpx.URL(self._source.url), validators)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Refused(f"no whole answer in time ({type(error).__name__})", "check the network") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"no whole answer ({type(error).__name__}: {error})"
            raise Refused(what, "check the address, the network and the proxy") from error

    async def _follow(self, url: httpx.URL, validators: Mapping[str, str]) -> Answer | None:
        timeout = httpx.Timeout(self._source.read_s, connect=self._source.connect_s)
        asked = validators
        for _ in range(MAX_REDIRECTS + 1):
            headers = {"Accept-Encoding": "identity", **asked}
            async with self._client.stream(
                "GET", url, headers=headers, timeout=timeout, follow_redirects=False
            ) as response:
                if response.status_code in REDIRECTS:
                    url = self._target(response)
                elif _is_published_anew(response, asked):
                    asked = {}
                else:
                    return await self._read(response, conditional=bool(asked))
        raise Refused(f"the server redirects more than {MAX_REDIRECTS} times", "check the address")

    def _target(self, response: httpx.Response) -> httpx.URL:
        where = response.headers.get("location", "")
        target = response.url.join(where)
        if not where or target.scheme not in ("http", "https"):
            raise Refused(f"HTTP {response.status_code} redirects to no address ({where[:80]!r})", "check the address")
        if response.url.scheme == "https" != target.scheme:
            raise Refused(f"HTTP {response.status_code} redirects to {target.scheme}", "take an address with https")
        if _host(target) not in self._hosts:
            what = f"HTTP {response.status_code} redirects to {_host(target)}, which is not allowed"
            raise Refused(what, "if that host is right, add it to the source's redirect_hosts")
        return target

    async def _read(self, response: httpx.Response, *, conditional: bool) -> Answer | None:
        if response.status_code == httpx.codes.NOT_MODIFIED and conditional:
            return None
        if response.status_code != httpx.codes.OK:
            status = f"HTTP {response.status_code} {response.reason_phrase}".strip()
            raise Refused(f"the server answered {status}", "check the address and the server")
        encoding = response.headers.get("content-encoding", "")
        if encoding.strip().lower() not in ("", "identity"):
            raise Refused(f"the answer is encoded as {encoding[:40]}, which was not asked for", "check the proxy")
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > self._source.max_bytes:
                raise Refused(f"the answer exceeds {self._source.max_bytes} bytes", BROWSE)
        return Answer(_stamp(response), bytes(content), _validators(response), _date(response))


def _host(url: httpx.URL) -> str:
    """With the port, where it is not the scheme's own."""
    return url.netloc.decode("ascii")


def _is_published_anew(response: httpx.Response, asked: Mapping[str, str]) -> bool:
    """Whether a server says "not modified" of what it published later than the answer that we know.

    It does if it makes its ETag from the content alone and nothing changes, as in a calm night. Without the new stamp
    the feed would count as old.
    """
    known = _moment(asked.get("If-Modified-Since", ""))
    stamp = _stamp(response)
    return response.status_code == httpx.codes.NOT_MODIFIED and bool(known and stamp and stamp > known)


def _stamp(response: httpx.Response) -> datetime | None:
    """The server's time of an answer: in the dated file's name, else Last-Modified."""
    if stamp := stamp_in(response.url.path):
        return stamp
    return _time(response, "last-modified")


def _date(response: httpx.Response) -> datetime | None:
    """The server's clock, with the time that the answer lay in caches (RFC 9111, 5.1)."""
    date, age = _time(response, "date"), response.headers.get("age", "0")
    kept = timedelta(seconds=int(age)) if age.isascii() and age.isdigit() and len(age) < 8 else timedelta(0)
    try:
        return date + kept if date else None
    except OverflowError:
        return None


def _time(response: httpx.Response, header: str) -> datetime | None:
    return _moment(response.headers.get(header, ""))


def _moment(date: str) -> datetime | None:
    """The moment that an HTTP date names; None if it is none."""
    try:
        moment = parsedate_to_datetime(date)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _validators(response: httpx.Response) -> dict[str, str]:
    asked = {"If-None-Match": response.headers.get("etag"), "If-Modified-Since": response.headers.get("last-modified")}
    return {name: value for name, value in asked.items() if value}


KIND = SourceKind(name="zip", order=10, asks=WebSource)
"""A ZIP at an address, as the DWD publishes it."""
