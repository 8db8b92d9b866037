"""Models that call tools: what they do depends on the turn, and on what the tools answered."""

from typing import Any

import orjson

from tests.upstream.records import prompt_of
from tests.upstream.scripts import Call, Say, Script, words

MISSING = "no_such_tool"


def turn_of(document: dict[str, Any]) -> int:
    """Return how often tools were called since the last user message."""
    turns = 0
    for message in document["messages"]:
        if message["role"] == "user":
            turns = 0
        elif message.get("tool_calls"):
            turns += 1
    return turns


def results_of(document: dict[str, Any]) -> list[str]:
    """Return what the tools answered since the last call, oldest first."""
    results: list[str] = []
    for message in reversed(document["messages"]):
        if message["role"] != "tool":
            break
        results.append(str(message["content"]))
    return results[::-1]


def find_calls(model: str, document: dict[str, Any]) -> Script | None:
    """Return what a model does that calls tools, or None where this is no such model.

    `tool-NAME` calls the tool with the JSON object that the prompt is (none: `{}`), then says what it answered.
    """
    if model == "calls-forever":
        return (Call("current_time", {}),)
    if model == "calls-missing":
        return _once(Call(MISSING, {}), document)
    if model.startswith("tool-"):
        return _once(Call(model.removeprefix("tool-"), _arguments(prompt_of(document))), document)
    return None


def _once(call: Call, document: dict[str, Any]) -> Script:
    if turn_of(document) == 0:
        return (call,)
    return (Say(words("\n".join(results_of(document)))),)


def _arguments(prompt: str) -> str:
    """Return the prompt where it is a JSON object, unchanged."""
    try:
        return prompt if isinstance(orjson.loads(prompt), dict) else "{}"
    except ValueError:
        return "{}"
