"""Models that call tools. Their script depends on the turn and on the tools' results."""

from typing import Any

import orjson

from tests.upstream.records import prompt_of
from tests.upstream.scripts import Call, Say, Script, words

MISSING = "no_such_tool"


def turn_of(document: dict[str, Any]) -> int:
    """Number of tool calls since the last user message."""
    turns = 0
    for message in document["messages"]:
        if message["role"] == "user":
            turns = 0
        elif message.get("tool_calls"):
            turns += 1
    return turns


def results_of(document: dict[str, Any]) -> list[str]:
    """Results of the tools since the last call, oldest first."""
    results: list[str] = []
    for message in reversed(document["messages"]):
        if message["role"] != "tool":
            break
        results.append(str(message["content"]))
    return results[::-1]


def find_calls(model: str, document: dict[str, Any]) -> Script | None:
    """Script of a model that calls tools; None for other models.

    `tool-NAME` calls the tool with the prompt as its JSON arguments (`{}` by default), then echoes the result.
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
    """The prompt itself if it is a JSON object."""
    try:
        return prompt if isinstance(orjson.loads(prompt), dict) else "{}"
    except ValueError:
        return "{}"
