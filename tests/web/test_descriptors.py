"""A web process that has no descriptor left for a connection waits for one, and works for nothing meanwhile."""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from streams.processes.guard import Guard, affordable
from tests.web.test_guard import answered, crowd, guarded
from tests.web.test_reader import desk

MEMBERS = {"as it comes": 1_000, "bounded by what the process may have": 0}


async def serve(most: int) -> None:
    """In a process of its own: the public site with few descriptors; says its port, until it is ended."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    most = most or affordable(1_000, 2)
    async with guarded(desk(), Guard(most, most)) as port:
        print(port, flush=True)
        await asyncio.sleep(300)


@asynccontextmanager
async def process(most: int) -> AsyncIterator[tuple[int, int]]:
    given = [sys.executable, "-c", f"import asyncio; from {__name__} import serve; asyncio.run(serve({most}))"]
    with subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:  # noqa: ASYNC220
        try:
            assert started.stdout
            port = int(await asyncio.to_thread(started.stdout.readline))
            yield port, started.pid
        finally:
            started.kill()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("kind", MEMBERS)
async def test_without_descriptors_nothing_spins_and_health_is_answered_once_there_are_some(kind: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        async with process(MEMBERS[kind]) as (port, pid):
            with crowd(port, 1_000, b""):
                await asyncio.sleep(1)
                before, begun = cpu_s(pid), time.monotonic()
                await asyncio.sleep(4)
                assert cpu_s(pid) - before < (time.monotonic() - begun) / 4
                if kind != "as it comes":
                    assert await answered(port, "/health/live") == 200
            async with asyncio.timeout(60):
                while not await health(port):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def health(port: int) -> bool:
    try:
        async with httpx.AsyncClient(timeout=10) as http:
            return (await http.get(f"http://127.0.0.1:{port}/health/live")).status_code == 200
    except httpx.HTTPError:
        return False
