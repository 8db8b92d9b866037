"""A provider gets the client's request, with its own name of the model and with the usage of a stream requested."""

from typing import Any

import pytest

from basechat.llm.upstream.client import ProviderClient
from tests.llm.upstream.calls import COMPLETIONS, DONE, QUESTION, Way, chunk, text_of
from tests.upstream import Head, Raw, Upstream

UNKNOWN = {"reasoning": {"effort": "low"}, "seed": None, "x-new": [1.5, "두", {}], "temperature": 0}
USAGE = {"include_usage": True}


@pytest.mark.parametrize(
    ("fields", "stream_usage", "sent"),
    [
        ({}, True, USAGE),
        ({"stream_options": None}, True, USAGE),
        ({"stream_options": {"include_usage": False, "chunk_size": 7}}, True, {**USAGE, "chunk_size": 7}),
        ({"stream_options": "no"}, True, "no"),
        ({"stream_options": {"include_usage": True}}, False, USAGE),
        ({}, False, ...),
    ],
)
async def test_the_usage_of_a_stream_is_requested(
    first: Upstream, way: Way, fields: dict[str, Any], stream_usage: bool, sent: Any
) -> None:
    body = QUESTION | UNKNOWN | fields
    first.next_answers((Head(), Raw(chunk("hi", "stop") + DONE)))
    answer = await ProviderClient().stream([way(first, stream_usage=stream_usage)], body)
    assert await text_of(answer) == "hi"
    asked = first.completions[0].document
    assert asked.pop("stream_options", ...) == sent
    assert asked == {**QUESTION, **UNKNOWN, "model": "echo", "stream": True}
    assert body["model"] == "asked"


async def test_the_request_of_a_whole_answer_is_unchanged(first: Upstream, way: Way) -> None:
    body = QUESTION | UNKNOWN | {"stream": False, "stream_options": None}
    answered = await ProviderClient().whole([way(first)], COMPLETIONS, body)
    assert first.completions[0].document == body | {"model": "echo"}
    assert b'"usage":' in answered.body
    assert answered.document["usage"]
