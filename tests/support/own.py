"""Separate services: on an empty database, with other settings, with workers that start and stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp

from basechat.infra.resources import Resources
from basechat.kit.config import Settings
from basechat.llm.providers.updates import REFRESH_SECONDS
from basechat.services import agent, backend
from basechat.services.wiring import open_resources
from basechat.services.worker import working
from tests.support.databases import own_database
from tests.support.person import TIMEOUT, Person
from tests.support.stack import Servers, serving
from tests.upstream import Upstream

SETUP_TOKEN = "set-up-token-that-was-printed"
LOCAL = {"x-real-ip": "127.0.0.1", "x-forwarded-for": "127.0.0.1", "host": "localhost"}
REMOTE = {"x-real-ip": "203.0.113.7", "x-forwarded-for": "203.0.113.7", "host": "chat.example.org"}


@asynccontextmanager
async def empty_backend(servers: Servers, **changes: Any) -> AsyncIterator[Person]:
    """Serve an empty database; yields a local person without an account."""
    async with own_database(servers, **({"setup_token": SETUP_TOKEN} | changes)) as settings:
        socket = _socket(servers, "backend")
        async with serving(backend.create_app(settings), socket), visitor(socket) as somebody:
            yield somebody


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A stack in which nothing is executed until a test starts a worker."""

    settings: Settings
    resources: Resources
    person: Person

    @asynccontextmanager
    async def worker(self, *, roll_up_seconds: float = 60) -> AsyncIterator[Resources]:
        """Run a worker with a fast reaper."""
        async with (
            open_resources(self.settings) as resources,
            working(resources, reaper_seconds=0.2, roll_up_seconds=roll_up_seconds),
        ):
            yield resources


@asynccontextmanager
async def quiet_stack(servers: Servers, upstream: Upstream, **changes: Any) -> AsyncIterator[Quiet]:
    """Run main-backend and llm-agent on a new database, with a fast reaper; yields their first account."""
    names = {
        "openai_base_url": upstream.base_url,
        "llm_agent_url": f"unix:{_socket(servers, 'agent')}",
        "cache_scope": "off",  # most tests count what the upstream is asked
    }
    refresh_seconds = changes.pop("refresh_seconds", REFRESH_SECONDS)
    async with own_database(servers, **(names | changes)) as settings:
        app, socket = backend.create_app(settings), _socket(servers, "backend")
        gateway = agent.create_app(settings, refresh_seconds=refresh_seconds)
        async with (
            serving(app, socket),
            serving(gateway, settings.llm_agent_url.removeprefix("unix:")),
            visitor(socket) as somebody,
        ):
            reply = await somebody.post("/auth/register", account("ann"))
            assert reply.status == 201, reply.body
            person = Person(somebody.http, reply.json["token"], reply.json["user"])
            yield Quiet(settings=settings, resources=app.state.resources, person=person)


@asynccontextmanager
async def visitor(socket: str, headers: dict[str, str] | None = None) -> AsyncIterator[Person]:
    """Yield a client of the service at `socket`."""
    async with aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(socket, limit=0), cookie_jar=aiohttp.DummyCookieJar(), timeout=TIMEOUT
    ) as http:
        yield Person(http, headers=headers or LOCAL)


def account(name: str, **fields: Any) -> dict[str, Any]:
    """The body that registers an account."""
    return {"username": name, "email": f"{name}@example.org", "password": "correct horse", **fields}


def _socket(servers: Servers, service: str) -> str:
    return f"{servers.folder}/{service}-{uuid4().hex[:8]}.sock"
