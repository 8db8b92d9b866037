"""A running BaseChat, and what a test can do to it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aiohttp

from basechat.embedded.state import ProcessState, find_running
from tests.embedded.command import Basechat, free_port
from tests.support.person import TIMEOUT, Person
from tests.upstream import Upstream, running_upstream

PASSWORD = "correct horse"
Condition = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The running stack, its upstream, and an HTTP client of its nginx."""

    basechat: Basechat
    upstream: Upstream
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.basechat.port}"

    def stranger(self) -> Person:
        """A person without an account."""
        return Person(self.http, base=f"{self.url}/api")

    async def join(self) -> Person:
        """A person with a new account."""
        name = f"user-{uuid4().hex[:8]}"
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        reply = await self.stranger().post("/auth/register", body)
        assert reply.status == 201, reply.body
        return Person(self.http, reply.json["token"], reply.json["user"], base=f"{self.url}/api")

    def services(self) -> tuple[ProcessState, ...]:
        """The state of all services that the supervisor recorded last."""
        state = find_running(self.basechat.layout)
        assert state is not None
        return state.services

    def service(self, name: str) -> ProcessState:
        """The recorded state of one service."""
        return next(service for service in self.services() if service.name == name)

    async def serves(self) -> bool:
        """Whether main-backend and its dependencies answer."""
        return (await self.stranger().get("/health/ready")).status == 200

    def kill(self, *names: str) -> Condition:
        """`kill -9` services; returns a check that all of them are back."""
        before = {name: self.service(name) for name in names}
        for service in before.values():
            assert service.pid is not None
            os.kill(service.pid, signal.SIGKILL)

        async def are_back() -> bool:
            now = [self.service(name) for name in names]
            return all(each.phase == "ready" and each.restarts > before[each.name].restarts for each in now)

        return are_back


@asynccontextmanager
async def running_site(folder: Path, **settings: str) -> AsyncIterator[Site]:
    """`basechat up --detach` with the local model, on a scripted upstream in this process."""
    async with running_upstream() as upstream:
        basechat = Basechat(data=folder / "data", port=free_port())  # not before: the upstream might take it
        provider = {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": "sk-of-the-scripted-upstream"}
        command = ("up", "--detach", "--port", str(basechat.port))
        try:
            started = await asyncio.to_thread(basechat, *command, **provider, **settings)
            assert started.returncode == 0, started.stdout + started.stderr
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=TIMEOUT) as http:
                yield Site(basechat=basechat, upstream=upstream, http=http)
        finally:
            stopped = await asyncio.to_thread(basechat, "down")
    assert stopped.returncode == 0, stopped.stderr
