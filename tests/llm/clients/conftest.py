"""A gateway on a TCP port, and an API token for programs."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from basechat.services import agent, backend
from tests.support.person import Person
from tests.support.stack import Servers, serving
from tests.upstream import Upstream

CHAT, EMBEDDING = "gpt-4o-mini", "text-embedding-3-small"


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway's address and the API token that a program uses."""

    url: str
    token: str
    upstream: Upstream


@pytest.fixture
async def api_token(person: Person) -> str:
    """A token of scope `llm` of somebody who has asked nothing yet, so that no cache can answer."""
    return await make_token(person, "llm")


@pytest.fixture
async def gateway(servers: Servers, upstream: Upstream, api_token: str) -> AsyncIterator[Gateway]:
    """A gateway whose provider has the two models that these programs name."""
    upstream.models[:] = [CHAT, EMBEDDING, "error-500", "cut-10"]
    settings = servers.settings(
        openai_base_url=upstream.base_url, openai_api_key="sk-of-the-upstream", embedding_model=EMBEDDING
    )
    with listening() as (where, port):
        async with serving(agent.create_app(settings), where):
            yield Gateway(f"http://127.0.0.1:{port}/v1", api_token, upstream)


@pytest.fixture
async def backend_url(servers: Servers) -> AsyncIterator[str]:
    """The HTTP API on a TCP port."""
    with listening() as (where, port):
        async with serving(backend.create_app(servers.settings()), where):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def listening() -> Iterator[tuple[socket.socket, int]]:
    """Listen on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as where:
        yield where, where.getsockname()[1]


async def make_token(person: Person, *scopes: str) -> str:
    """Make an API token."""
    reply = await person.post("/auth/tokens", {"name": "a program", "scopes": list(scopes)})
    assert reply.status == 201, reply.body
    token: str = reply.json["token"]
    return token
