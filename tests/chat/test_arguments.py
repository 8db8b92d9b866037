"""The schema of a tool comes from outside: checks are bounded, leave the event loop free, and fetch nothing."""

import asyncio
import time
from typing import Any

import pytest

from basechat.assistant.tools import ToolCallAccumulator
from basechat.chat.runs.tools.validate import ARGUMENTS_DEPTH, CHECK_SECONDS, find_problems


async def _fields(arguments: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    return [problem.field for problem in await find_problems(arguments, schema)]


def _nested(depth: int) -> dict[str, Any]:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value  # type: ignore[no-any-return]


def _branching(depth: int) -> dict[str, Any]:
    """A schema that checks the same value twice as often with each level."""
    levels = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(depth)}
    return {"$ref": "#/$defs/a0", "$defs": {**levels, f"a{depth}": {"type": "object"}}}


async def test_nothing_is_fetched_for_a_schema() -> None:
    asked = asyncio.Event()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        schema = {"$ref": f"http://127.0.0.1:{port}/schema"}
        assert await find_problems({"a": 1}, schema) == []
        await asyncio.sleep(0)
        assert not asked.is_set()
    assert await find_problems({"a": 1}, {"$ref": "file:///etc/hostname"}) == []


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        ({"a": 1}, _branching(60)),
        ({"a": 1}, {"$schema": "https://json-schema.org/draft/2020-12/schema", **_branching(60)}),
        ({"a": [{"n": n} for n in range(20_000)]}, {"properties": {"a": {"uniqueItems": True}}}),
        ({"a": "a" * 40 + "b"}, {"properties": {"a": {"pattern": "^(a+)+$"}}}),
        ({"a" * 40 + "b": 1}, {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}),
        ({"a" * 40 + "b": 1}, {"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False}),
    ],
)
async def test_the_check_of_a_schema_is_bounded(arguments: dict[str, Any], schema: dict[str, Any]) -> None:
    began = time.process_time()
    assert await find_problems(arguments, schema) == []
    assert time.process_time() - began < 2 * CHECK_SECONDS


async def test_an_expensive_schema_leaves_the_event_loop_free() -> None:
    loop, turns = asyncio.get_running_loop(), 0
    began = loop.time()
    check = asyncio.create_task(find_problems({"a": 1}, _branching(60)))
    while not check.done():
        await asyncio.sleep(0)
        turns += 1
    assert loop.time() - began > CHECK_SECONDS / 2
    assert turns > 10


@pytest.mark.parametrize(
    "schema", [{"properties": {"a": {"multipleOf": 0}}}, {"type": 7}, {"$ref": "#"}, {"required": 3}]
)
async def test_an_invalid_schema_allows_everything(schema: dict[str, Any]) -> None:
    assert await find_problems({"a": 1}, schema) == []


async def test_parameters_may_be_named_like_keywords() -> None:
    names = ("pattern", "format", "$schema", "uniqueItems")
    schema = {"properties": {name: {"type": "string"} for name in names}, "additionalProperties": False}
    assert await _fields(dict.fromkeys(names, "x"), schema) == []
    assert await _fields(dict.fromkeys(names, 7), schema) == [f"arguments.{name}" for name in names]
    assert await _fields({"other": "x"}, schema) == ["arguments"]


async def test_arguments_that_can_not_be_stored_are_refused() -> None:
    assert await _fields(_nested(ARGUMENTS_DEPTH), {}) == []
    for arguments in (_nested(ARGUMENTS_DEPTH + 1), _nested(900), {"a": 2**70}, {"a": "\x00"}, {"a": "\ud800"}):
        assert await _fields(arguments, {}) == ["arguments"]


@pytest.mark.parametrize("depth", [ARGUMENTS_DEPTH + 1, 253, 300, 1000, 10_000])
def test_arguments_that_are_nested_too_deep_are_refused(depth: int) -> None:
    calls = ToolCallAccumulator()
    calls.add({"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"a":' * depth + "1" + "}" * depth}})
    (request,) = calls.finish()
    assert (request["arguments"], bool(request["problem"])) == (None, True)
