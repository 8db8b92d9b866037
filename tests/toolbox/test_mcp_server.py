"""Any MCP client lists and calls BaseChat's tools, with a token of scope `mcp`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import UUID

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from basechat.protocol import INTERNAL_HEADER, sign_caller
from basechat.protocol import Caller as InternalCaller
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import SECRET, Stack

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"accept": "application/json, text/event-stream"}


@asynccontextmanager
async def _client(stack: Stack, headers: dict[str, str]) -> AsyncIterator[Client]:
    """The official client, connected through the Unix socket."""
    transport = httpx2.AsyncHTTPTransport(uds=stack.socket("mcp-server"))
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as http,
        Client(streamable_http_client("http://localhost/", http_client=http)) as client,
    ):
        yield client


def _bearer(person: Person) -> dict[str, str]:
    return {"authorization": f"Bearer {person.token}"}


@pytest.fixture
async def door(stack: Stack) -> AsyncIterator[Person]:
    """A client of mcp-server without a token."""
    async with visitor(stack.socket("mcp-server")) as somebody:
        yield somebody


async def test_tools_are_listed_with_what_they_do(stack: Stack, person: Person) -> None:
    async with _client(stack, _bearer(person)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    clock = tools["current_time"]
    assert clock.description
    assert clock.annotations
    assert (clock.annotations.read_only_hint, clock.annotations.open_world_hint) == (True, False)
    assert clock.input_schema["properties"].keys() == {"timezone"}


@pytest.mark.parametrize(("zone", "hours"), [("Asia/Seoul", 9), ("UTC", 0), (None, 0)])
async def test_the_time_is_told(stack: Stack, person: Person, zone: str | None, hours: int) -> None:
    async with _client(stack, _bearer(person)) as client:
        result = await client.call_tool("current_time", {"timezone": zone} if zone else {})
    assert not result.is_error
    said = result.structured_content
    assert said
    told = datetime.fromisoformat(said["time"])
    assert told.utcoffset() == timedelta(hours=hours)
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=30)
    assert (said["timezone"], said["weekday"]) == (zone or "UTC", told.strftime("%A"))


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "", "Asia", "../../etc/passwd", "/etc/passwd", "a\x00b", "x" * 5000, "가"]
)
async def test_a_wrong_zone_is_an_error_of_the_tool(stack: Stack, person: Person, zone: str) -> None:
    async with _client(stack, _bearer(person)) as client:
        result = await client.call_tool("current_time", {"timezone": zone})
        assert result.is_error
        assert "Asia/Seoul" in str(result.content)
        assert not (await client.call_tool("current_time", {})).is_error


async def test_our_own_services_call_by_the_internal_header(stack: Stack, person: Person) -> None:
    caller = InternalCaller(owner_id=UUID(person.user["id"]), run_id=None, attempt=1)
    headers = {INTERNAL_HEADER: sign_caller(caller, key=SECRET.encode(), audience="mcp-server")}
    async with _client(stack, headers) as client:
        assert not (await client.call_tool("current_time", {})).is_error


async def test_a_header_for_another_service_or_of_nobody_is_refused(door: Person, person: Person) -> None:
    caller = InternalCaller(owner_id=UUID(person.user["id"]), run_id=None, attempt=1)
    for value in (sign_caller(caller, key=SECRET.encode(), audience="llm-agent"), "forged", ""):
        reply = await door.post("/", CALL, headers=ACCEPT | _bearer(person) | {INTERNAL_HEADER: value})
        assert (reply.status, reply.code) == (401, "auth.required")


async def test_strangers_and_other_scopes_are_refused(door: Person, person: Person) -> None:
    reply = await door.post("/", CALL, headers=ACCEPT)
    assert (reply.status, reply.code) == (401, "auth.required")
    assert reply.headers["www-authenticate"] == "Bearer"
    token = (await person.post("/auth/tokens", {"name": "x", "scopes": ["chat", "llm"]})).json["token"]
    reply = await door.post("/", CALL, headers=ACCEPT | {"authorization": f"Bearer {token}"})
    assert (reply.status, reply.code) == (403, "auth.scope")


@pytest.mark.parametrize("path", ["/", "/mcp", "/healthy", "/health/../", "/health/x"])
async def test_no_path_leads_around_the_door(door: Person, path: str) -> None:
    assert (await door.post(path, CALL, headers=ACCEPT)).status in {401, 404, 405}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'{"jsonrpc": "2.0"}', b'{"a":' * 10_000, b" " * 1_100_000]
)
async def test_bodies_that_are_no_call(door: Person, person: Person, body: bytes) -> None:
    kind = {"content-type": "application/json"}
    reply = await door.ask("POST", "/", data=BytesIO(body), headers=ACCEPT | kind | _bearer(person))
    assert 400 <= reply.status < 500, reply.body


async def test_health_needs_no_token(door: Person) -> None:
    for method in ("GET", "HEAD"):
        assert (await door.ask(method, "/health/ready")).status == 200
