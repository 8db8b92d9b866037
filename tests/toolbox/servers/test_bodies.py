"""Invalid descriptions of an outside MCP server are refused with the reason."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.person import Person

BAD_HEADERS: list[Any] = [
    {"": "x"}, {"a b": "x"}, {"a:": "x"}, {"x": ""}, {"x": "a\r\nb: c"}, {"x": "가"}, {"x": 7}, [], {"Host": "x"},
    {"content-length": "1"}, {"Mcp-Session-Id": "x"}, {"x-basechat-internal": "x"}, {"A": "1", "a": "2"},
    {"x": "x" * 8_001}, {f"x{n}": "x" for n in range(21)},
]  # fmt: skip
BAD: list[dict[str, Any]] = [
    {},
    {"name": "x"},
    {"url": "https://example.org/"},
    *({"name": name, "url": "https://example.org/"} for name in ("", "A", "-x", "a_b", "a b", "가", "x" * 32, None, 7)),
    *(
        {"name": "x", "url": url}
        for url in ("", "x", "ftp://x/", "unix:/x", "http://", "http://a b/", "http://a\\b/", "http://[", "http://x:99999/",
                    "https://example.org/" + "a" * 2_000, "http://a\x00b/", None, 7)
    ),
    *(
        {"name": "x", "url": "https://example.org/", "headers": headers}
        for headers in BAD_HEADERS
    ),
    {"name": "x", "transport": "sse", "url": "https://example.org/"},
    {"name": "x", "transport": "stdio", "url": "https://example.org/"},
    {"name": "x", "transport": "stdio"},
    {"name": "x", "transport": "stdio", "command": "/bin/true", "headers": {"a": "b"}},
    {"name": "x", "command": "/bin/true"},
    {"name": "x", "url": "https://example.org/", "is_enabled": "maybe"},
    {"name": "x", "url": "https://example.org/", "owner_id": str(uuid4())},
]  # fmt: skip


@pytest.mark.parametrize("body", BAD)
async def test_what_is_no_server(person: Person, body: dict[str, Any]) -> None:
    reply = await person.post("/mcp-servers", body)
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert reply.json["errors"]


async def test_our_own_name_is_not_to_be_had(person: Person) -> None:
    reply = await person.post("/mcp-servers", {"name": "basechat", "url": "https://example.org/"})
    assert (reply.status, reply.code) == (422, "request.invalid")
    (error,) = reply.json["errors"]
    assert (error["field"], "own tools" in error["detail"]) == ("name", True)
