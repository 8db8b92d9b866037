"""What the upstream can be told to do: a script is a row of steps, found by the name of the model."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

KOREAN = (
    "안녕하세요! 👋🏽 오늘은 가족 👨‍👩‍👧‍👦 이야기입니다. 깃발 🇰🇷과 하트 ❤️‍🔥도 있어요.\n"
    "풀어 쓴 한글: \u1112\u1161\u11ab\u1100\u1173\u11af, 옛한글: \u1112\u119e, 결합 문자: e\u0301 n\u0303 A\u030a.\n"
    '「따옴표」와 "quotes", 역슬래시 \\ 와 탭\t, 줄 구분자 \u2028 끝.'
)


@dataclass(frozen=True, slots=True)
class Say:
    """One chunk per token; with `piece`, each event is written in pieces of so many bytes, cutting characters."""

    tokens: tuple[str, ...]
    piece: int | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """One token `<number>@<CLOCK_MONOTONIC in ns> `, read when it is written."""

    number: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Time until the next step, counted from when this step was due, so that delays do not add up."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes put into the body as they are; no end of the stream follows."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The answer's head, in the place of the usual one; then `Raw` steps are its body, as many as there are.

    Without frames, closing the connection is the body's end.
    """

    status: int = 200
    content_type: str = "text/event-stream"
    headers: tuple[tuple[str, str], ...] = ()
    is_framed: bool = True


@dataclass(frozen=True, slots=True)
class Fail:
    """OpenAI's error: with its status as the first step, as an error event later."""

    status: int
    code: str | None
    message: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed in the middle of the answer."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence until the client goes away."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool; arguments that are a string are sent as they are, `call_id` is made up where none is given."""

    name: str
    arguments: dict[str, Any] | str
    call_id: str | None = None


Step = Say | Stamp | Wait | Head | Raw | Fail | Cut | Stall | Call
Script = tuple[Step, ...]

_ERRORS = {
    401: Fail(401, "invalid_api_key", "Incorrect API key provided."),
    429: Fail(429, "rate_limit_exceeded", "Rate limit reached.", retry_after=2),
    500: Fail(500, None, "The server had an error while processing your request."),
}


def numbered(count: int) -> tuple[str, ...]:
    """Return `w1`, ` w2`, ` w3`, …: as many words as tokens."""
    return tuple(f" w{n}" if n > 1 else "w1" for n in range(1, count + 1))


def error(status: int) -> Script:
    """Return the script of OpenAI's error with this status."""
    return (_ERRORS.get(status) or Fail(status, None, f"Scripted error {status}."),)


def words(text: str) -> tuple[str, ...]:
    """Return a text's words as tokens, every white space kept."""
    return tuple(re.findall(r"\s*\S+|\s+$", text))


def echo(prompt: str) -> Script:
    """Return the script that gives the prompt back by words."""
    return (Say(words(prompt)),)


def _paced(count: int, milliseconds: int) -> Script:
    pause = Wait(milliseconds / 1000)
    return tuple(step for token in numbered(count) for step in (Say((token,)), pause))


def _stamped(count: int, milliseconds: int) -> Script:
    pause = Wait(milliseconds / 1000)
    return tuple(step for n in range(1, count + 1) for step in (Stamp(n), pause))


def _korean() -> Script:
    return (Say(tuple(KOREAN[at : at + 2] for at in range(0, len(KOREAN), 2)), piece=7),)


def _long(count: int) -> Script:
    return (Say(tuple(f"word{n}\n\n" if n % 60 == 0 else f"word{n} " for n in range(1, count + 1))),)


_MODELS: dict[str, Callable[..., Script]] = {
    r"tokens-(\d+)": lambda n: (Say(numbered(n)),),
    r"paced-(\d+)x(\d+)ms": _paced,
    r"stamped-(\d+)x(\d+)ms": _stamped,
    r"error-(\d{3})": error,
    r"cut-(\d+)": lambda n: (Say(numbered(n)), Cut()),
    r"stall-(\d+)": lambda n: (Say(numbered(n)), Stall()),
    r"fail-(\d+)": lambda n: (Say(numbered(n)), _ERRORS[500]),
    r"slow-first-(\d+)": lambda ms: (Wait(ms / 1000), Say(numbered(10))),
    r"long-(\d+)": _long,
    r"garbage": lambda: (Raw(b"data: {not json\n\n<html>502</html>\n\ndata\n\n: \x00\n\ndata: []\n\n"),),
    r"invalid-utf8": lambda: (Raw(b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe\xc3("}}]}\n\n'),),
    r"korean": _korean,
    r"empty": tuple,
}

LISTED = (
    "echo", "tokens-50", "paced-50x20ms", "stamped-50x20ms", "stamped-250x20ms", "korean", "long-10000", "empty",
    "slow-first-2000", "error-401", "error-429", "error-500", "cut-10", "stall-5", "fail-5", "garbage", "invalid-utf8",
    "calls-forever", "calls-missing", "tool-current_time", "tool-calculate",
)  # fmt: skip


def find_script(model: str, prompt: str) -> Script | None:
    """Return what this model does with the last user message, or None where there is no such model."""
    if model == "echo":
        return echo(prompt)
    for pattern, script in _MODELS.items():
        if match := re.fullmatch(pattern, model):
            return script(*map(int, match.groups()))
    return None
