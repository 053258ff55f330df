"""Brokers with something in the way: a network that can be cut and slowed, a disk that can be full.

Each worker has a way of its own to the brokers: a TCP proxy, which the brokers advertise on a listener of its own. What
is sent while a way is cut is held back, and delivered when it is mended, as TCP does it: a request that nobody waits
for any more arrives late. The disk is a small file system in memory for each broker; mounting it takes a mount
namespace of our own (`with_own_mounts`), and no rights.
"""

import asyncio
import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Self

from tools.local_kafka import LocalKafka, free_ports

CHUNK = 64 * 1024
WAYS = 3
DISK_MIB = 192
OWN_MOUNTS = "WARNSYS_CRASH_OWN_MOUNTS"
DIES_WITHIN_S = 30.0


class Way:
    """From one worker to all brokers. Its methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._open, self._delay_s = loop, asyncio.Event(), 0.0
        self._open.set()

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._open.clear)

    def slow(self, delay_s: float) -> None:
        """Each chunk of up to 64 KiB, in each direction, by so much; they wait for one another."""
        self._delay_s = delay_s

    def mend(self) -> None:
        self._delay_s = 0.0
        self._loop.call_soon_threadsafe(self._open.set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await asyncio.sleep(self._delay_s)
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        await self._open.wait()
        writer.close()


_Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Proxies(threading.Thread):
    """Of all ways and brokers, in a loop of their own; `ports[way][broker]` is where they listen."""

    def __init__(self, targets: list[list[int]]) -> None:
        super().__init__(name="proxies", daemon=True)
        self._loop = asyncio.new_event_loop()
        self.ways = [Way(self._loop) for _ in targets]
        self._targets, self._listening, self._ended = targets, threading.Event(), asyncio.Event()
        self.ports: list[list[int]] = []

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    def begin(self) -> None:
        self.start()
        self._listening.wait()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self.join()

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            for way, targets in zip(self.ways, self._targets, strict=True):
                servers = [await asyncio.start_server(self._connector(way, port), "127.0.0.1", 0) for port in targets]
                self.ports.append([server.sockets[0].getsockname()[1] for server in servers])
                for server in servers:
                    stack.callback(server.close)
            self._listening.set()
            await self._ended.wait()

    def _connector(
        self, way: Way, target: int
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there, back = await asyncio.open_connection("127.0.0.1", target)
            except OSError:  # the broker is away
                writer.close()
                return
            try:
                await asyncio.gather(way.carry(reader, back), way.carry(there, writer))
            finally:
                writer.close()
                back.close()

        return connected


class TroubledKafka(LocalKafka):
    """With `ways` for up to three workers, and disks of `DISK_MIB`, each where it is asked for."""

    def __init__(self, brokers: int = 1, *, ways: bool = False, small_disks: bool = False) -> None:
        super().__init__(brokers)
        count = WAYS if ways else 0
        taken = {address.rpartition(":")[2] for address in self._clients + self._internals + self._controllers}
        ports = [port for port in free_ports((count + 3) * brokers) if str(port) not in taken]
        self._ports = [ports[way * brokers : (way + 1) * brokers] for way in range(count)]
        self._proxies, self._small_disks = _Proxies(self._ports), small_disks

    def __enter__(self) -> Self:
        self._proxies.begin()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._proxies.end()

    def way(self, number: int) -> Way:
        return self._proxies.ways[number]

    def by_way(self, number: int) -> str:
        """The brokers' address for the worker with that way."""
        return ",".join(f"127.0.0.1:{port}" for port in self._proxies.ports[number])

    def fill(self, i: int) -> bool:
        """Nothing can be written any more. Returns whether the broker has ended of it, as it should."""
        with self._ballast(i).open("ab", buffering=0) as ballast:
            for size in (1024 * 1024, 4096):
                with suppress(OSError):
                    while ballast.write(b"\0" * size) == size:
                        pass
        deadline = time.monotonic() + DIES_WITHIN_S
        while self._processes[i].code is None and time.monotonic() < deadline:
            time.sleep(0.1)
        return self._processes[i].code is not None

    def free(self, i: int) -> None:
        self._ballast(i).unlink()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _ballast(self, i: int) -> Path:
        return self._home(i) / "ballast"

    def _format(self) -> None:
        if self._small_disks:
            for i in range(len(self._clients)):
                self._home(i).mkdir()
                _mount(self._home(i))
        super()._format()

    def _end(self) -> None:
        super()._end()
        if self._small_disks:
            for i in range(len(self._clients)):
                subprocess.run(["umount", str(self._home(i))], check=True)

    def _settings(self, i: int) -> dict[str, str]:
        settings = super()._settings(i)
        for way, ports in enumerate(self._ports):
            settings["listeners"] += f",WAY{way}://127.0.0.1:{ports[i]}"
            settings["advertised.listeners"] += f",WAY{way}://127.0.0.1:{self._proxies.ports[way][i]}"
            settings["listener.security.protocol.map"] += f",WAY{way}:PLAINTEXT"
        return settings


def _mount(folder: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "warnsys-crash", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(errno.EPERM, f"no small disk could be mounted ({done.stderr.strip()}): see with_own_mounts")


def with_own_mounts() -> None:
    """This program once more, in a mount namespace of its own, which goes with it; needs util-linux' `unshare`."""
    if OWN_MOUNTS in os.environ:
        return
    unshare = shutil.which("unshare")
    if unshare is None:
        sys.exit("a full disk is tried in a mount namespace, and there is no unshare: install util-linux")
    os.environ[OWN_MOUNTS] = "1"
    command = [unshare, "--map-root-user", "--mount", sys.executable, *sys.orig_argv[1:]]
    os.execv(unshare, command)
