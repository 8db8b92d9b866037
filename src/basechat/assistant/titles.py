"""Titles by the model: what it is asked, and what is left of its answer as one plain line."""

import asyncio
import re
import unicodedata
from contextlib import aclosing

from basechat.assistant.completion import Completion
from basechat.assistant.model import ModelCall, ModelClient
from basechat.chat.runs.answer import AnswerError
from basechat.chat.titles import Exchange
from basechat.kit.text import composed

TITLE_LENGTH = 60
_SECONDS = 60
_MAX_TOKENS = 1500  # a title takes ten, but some models think before they speak, and it counts
_TEMPERATURE = 0.2
_SAID_AT_MOST = 20_000  # characters, thoughts included
_NO_TITLE = 100  # characters: this is no title that is too long, it is an answer
_QUOTED = 2000  # characters of the question and of the answer that the model is shown

_PROMPT = """\
Write a title for the conversation below: two to six words that say what it is about, in the language of the user.
Answer with the title alone, on one line, as plain text: no quotes, no Markdown, no full stop, no explanation.

<user>
{question}
</user>
<assistant>
{answer}
</assistant>"""

_THOUGHTS = re.compile(r"<(think|thinking|thought|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(r"^\W*(chat title|title|제목)\W*[:：]\s*", re.IGNORECASE)
_BULLET = re.compile(r"^(#{1,6}|[-*+>•]|\d+[.)])\s+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(
    r"(?P<mark>\*{1,3}|`{1,3}|~~)(?=\S)(?P<text>.+?)(?<=\S)(?P=mark)"
    r"|(?<!\w)(?P<line>_{1,3})(?=\S)(?P<words>.+?)(?<=\S)(?P=line)(?!\w)"
)
_QUOTES = "\"'“”„‟‘’«»‹›「」『』《》〈〉＂＇"
_ENDS = " .。．｡,:;，：；"


class ModelTitler:
    """Asks the model that answered for the title of a chat."""

    def __init__(self, model: ModelClient) -> None:
        self._model = model

    async def __call__(self, exchange: Exchange) -> str | None:
        """Return a title, or None if the model said none; raises `AnswerError`."""
        try:
            async with asyncio.timeout(_SECONDS):
                return clean_title(await self._ask(exchange))
        except TimeoutError:
            raise AnswerError("provider.silent", "The model did not name the chat in time.") from None

    async def _ask(self, exchange: Exchange) -> str:
        """Return what the model says. Some refuse to be told how freely or how long to speak."""
        prompt = _PROMPT.format(question=exchange.question[:_QUOTED], answer=exchange.answer[:_QUOTED])
        try:
            return await self._say(prompt, _call(exchange, temperature=_TEMPERATURE, max_tokens=_MAX_TOKENS))
        except AnswerError as error:
            if error.code != "provider.refused":
                raise
        return await self._say(prompt, _call(exchange, temperature=None, max_tokens=None))

    async def _say(self, prompt: str, call: ModelCall) -> str:
        said, messages = "", [{"role": "user", "content": prompt}]
        async with aclosing(self._model.stream(call, messages, Completion())) as pieces:
            async for piece in pieces:
                said += piece
                if len(said) > _SAID_AT_MOST:
                    return ""
        return said


def clean_title(said: str) -> str | None:
    """Return the title in what a model said, as one plain line, or None if there is none."""
    lines = [line.strip() for line in _THOUGHTS.sub("", said).splitlines() if line.strip()]
    announced = len(lines) > 1 and lines[0].endswith((":", "："))
    line = lines[announced] if lines else ""
    if len(line) > _NO_TITLE:
        return None
    line = "".join(" " if unicodedata.category(char) in {"Cc", "Zs"} else char for char in line)
    line = _LABEL.sub("", _plain(line))
    line = composed(" ".join(_bare(line).split()))
    return _cut(line) if any(char.isalnum() for char in line) else None


def _plain(line: str) -> str:
    """Return a line without Markdown."""
    line = _LINK.sub(r"\1", _BULLET.sub("", line))
    return _EMPHASIS.sub(lambda match: match["text"] or match["words"], line)


def _bare(line: str) -> str:
    """Return a line without quotes around the whole of it, and without a full stop inside or outside of them."""
    while True:
        bare = line.strip().rstrip(_ENDS)
        if len(bare) > 1 and bare[0] in _QUOTES and bare[-1] in _QUOTES and not {bare[0], bare[-1]} & {*bare[1:-1]}:
            bare = bare[1:-1]
        if bare == line:
            return line
        line = bare


def _cut(line: str) -> str:
    """Cut a line that is too long, between words where there are any."""
    if len(line) <= TITLE_LENGTH:
        return line
    head = line[: TITLE_LENGTH - 1]
    words, _, _ = head.rpartition(" ")
    return f"{(words if len(words) > TITLE_LENGTH // 2 else head).rstrip(_ENDS)}…"


def _call(exchange: Exchange, *, temperature: float | None, max_tokens: int | None) -> ModelCall:
    return ModelCall(
        run_id=exchange.run_id,
        owner_id=exchange.owner_id,
        attempt=exchange.attempt,
        model=exchange.model,
        temperature=temperature,
        max_tokens=max_tokens,
    )
