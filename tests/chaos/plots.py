"""Messages of chats, and the model's answers to them. The message determines the whole answer."""

import re
from collections.abc import Callable
from typing import Any

from tests.chaos.till import NAME as TILL
from tests.upstream import Call, Say, Script, Wait
from tests.upstream.calls import turn_of
from tests.upstream.records import prompt_of

MODEL = "echo"  # which the provider lists from the beginning; it plays our plots
PAUSE = Wait(0.025)
TOKENS = {"plain": 60, "note": 25, "sums": 25, "charge": 25}  # of each turn

_MESSAGE = re.compile(r"(\w+) ([0-9a-f]+)")
_CALLS: dict[str, Callable[[str], tuple[Call, ...]]] = {
    "plain": lambda key: (),
    "note": lambda key: (Call("remember", {"content": f"note {key}"}),),
    "sums": lambda key: tuple(Call("calculate", {"expression": f"{int(key, 16)} + {n}"}) for n in (1, 2)),
    "charge": lambda key: (Call(f"{TILL}__charge", {"key": key}),),
}


def calls_of(plot: str) -> int:
    """Number of tool calls of an answer."""
    return len(_CALLS[plot]("0"))


def whole_answer(content: str) -> str:
    """The text of the complete answer to a message: a paragraph for each turn."""
    plot, _ = content.split()
    return "\n\n".join("".join(_tokens(content, turn)) for turn in range(2 if calls_of(plot) else 1))


def choose_script(document: dict[str, Any]) -> Script:
    """The model's script. Requests of other kinds, such as titles, get a short answer."""
    content, turn = prompt_of(document), turn_of(document)
    if not (match := _MESSAGE.fullmatch(content)):
        return (Say(("A chaos run",)),)
    text = tuple(step for token in _tokens(content, turn) for step in (Say((token,)), PAUSE))
    return (*text, *_CALLS[match[1]](match[2])) if turn == 0 else text


def _tokens(content: str, turn: int) -> list[str]:
    plot, _ = content.split()
    return [f"{content}, turn {turn}: ", *(f"{n} " for n in range(TOKENS[plot]))]
