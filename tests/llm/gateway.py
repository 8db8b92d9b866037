"""Calls of the gateway, as any client of OpenAI's API makes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp

from basechat.services import agent
from tests.support.own import visitor
from tests.support.person import Person, Reply
from tests.support.stack import Servers, serving

COMPLETIONS = "/v1/chat/completions"


def question(content: str = "hi", model: str | None = "echo", **fields: Any) -> dict[str, Any]:
    """The body of a call."""
    body = {"messages": [{"role": "user", "content": content}], **fields}
    return body if model is None else body | {"model": model}


def check_error(reply: Reply, status: int, code: str | None = None) -> str:
    """Check that an error has OpenAI's shape; returns its message."""
    assert reply.status == status, reply.body
    assert reply.headers["content-type"] == "application/json"
    error = reply.json["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == code or code is None
    message: str = error["message"]
    assert message
    return message


@asynccontextmanager
async def streamed(client: Person, body: dict[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask for a stream."""
    headers = {"authorization": f"Bearer {client.token}"}
    url = f"http://localhost{COMPLETIONS}"
    async with client.http.post(url, json=body | {"stream": True}, headers=headers) as response:
        yield response


@asynccontextmanager
async def own_gateway(servers: Servers, person: Person, **changes: Any) -> AsyncIterator[Person]:
    """Run another gateway; gives a client of it with the person's token."""
    socket = f"{servers.folder}/agent-{uuid4().hex[:8]}.sock"
    async with serving(agent.create_app(servers.settings(**changes)), socket), visitor(socket) as somebody:
        yield Person(somebody.http, person.token)
