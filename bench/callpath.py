"""Counts the source files on the way of one message and of one streamed miss: `python -m bench.callpath`.

A file counts if it executes a function between the request and the last byte of the answer. All services run in this
process, warmed up. A request is repeated: a file counts if most of the repetitions execute it and most idle periods of
the same length don't. So loops in the background don't count.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any
from uuid import uuid4

import aiohttp

import basechat
from tests.conftest import register
from tests.support.person import Person
from tests.support.stack import Stack, data_servers, services
from tests.upstream import running_upstream

SOURCE = f"{Path(basechat.__file__).parent}{os.sep}"
REPETITIONS = 9
WARM_UP = 3
MODEL = "tokens-50"

Functions = dict[str, set[str]]
"""Names of functions, by file."""


class Tracer:
    """Notes which functions of the source are called or resumed, in all threads."""

    def __init__(self) -> None:
        self._functions: Functions | None = None
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    async def trace(self, action: Callable[[], Awaitable[object]]) -> tuple[Functions, float]:
        """The functions executed while the action takes place, and its seconds."""
        found: Functions = defaultdict(set)
        self._functions = found
        begin = time.perf_counter()
        await action()
        seconds = time.perf_counter() - begin
        self._functions = None
        return found, seconds

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if self._functions is None or event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith(SOURCE) and code.co_name != "<module>":
            self._functions[code.co_filename.removeprefix(SOURCE)].add(code.co_qualname)


async def usual(tracer: Tracer, action: Callable[[], Awaitable[object]]) -> tuple[Functions, float]:
    """The functions that most repetitions execute, and the median of the seconds."""
    traced = [await tracer.trace(action) for _ in range(REPETITIONS)]
    counts = Counter((file, name) for found, _ in traced for file, names in found.items() for name in names)
    functions: Functions = defaultdict(set)
    for (file, name), count in counts.items():
        if count > REPETITIONS / 2:
            functions[file].add(name)
    return functions, median(seconds for _, seconds in traced)


async def report(tracer: Tracer, title: str, action: Callable[[], Awaitable[object]]) -> None:
    for _ in range(WARM_UP):
        await action()
    functions, seconds = await usual(tracer, action)
    idle, _ = await usual(tracer, lambda: asyncio.sleep(seconds))
    files = sorted(file for file, names in functions.items() if names - idle.get(file, set()))
    features = [file for file in files if not file.startswith(("infra/", "kit/"))]
    print(f"{title}: {len(features)} files of features, {len(files)} with infra and kit")
    for file in files:
        print(f"  {file}: {len(functions[file])} functions")


async def stream(http: aiohttp.ClientSession, url: str, body: dict[str, Any], token: str | None) -> None:
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    async with http.post(f"http://localhost{url}", json=body, headers=headers) as response:
        response.raise_for_status()
        await response.read()


async def measure(stack: Stack, tracer: Tracer) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(stack.socket("main-backend"))) as backend,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(stack.socket("llm-agent"))) as agent,
    ):
        person = await register(Person(backend))
        chat = await person.chat()

        async def message() -> None:
            body = {"content": f"{uuid4()}", "model": MODEL}
            await stream(backend, f"/sessions/{chat}/messages", body, person.token)

        async def miss() -> None:
            body = {"messages": [{"role": "user", "content": f"{uuid4()}"}], "model": MODEL, "stream": True}
            await stream(agent, "/v1/chat/completions", body, person.token)

        await report(tracer, "a message through main-backend, worker and llm-agent", message)
        await report(tracer, "a streamed miss at llm-agent", miss)


async def main() -> None:
    logging.disable(logging.INFO)
    tracer = Tracer()
    with TemporaryDirectory() as folder, data_servers(Path(folder)) as servers:
        async with running_upstream() as upstream, services(servers, upstream) as stack:
            await measure(stack, tracer)


if __name__ == "__main__":
    asyncio.run(main())
