"""Titles of chats by the model: its prompt, and its answer as one line of plain text."""

import asyncio
import re
import unicodedata
from contextlib import aclosing

from basechat.assistant.model import Completion, ModelClient, ModelRequest
from basechat.chat.runs.answer import AnswerError
from basechat.chat.titles import Exchange
from basechat.kit.text import composed

TITLE_LENGTH = 60
_SECONDS = 60
_MAX_TOKENS = 1500  # a title needs ten, but the thoughts of reasoning models count, too
_TEMPERATURE = 0.2
_ANSWER_LIMIT = 20_000  # characters, thoughts included
_LONGEST_LINE = 100  # characters; a longer line is an answer, not a title
_QUOTED = 2000  # characters of the question and of the answer in the prompt

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
    """Gets the title of a chat from the model that answered."""

    def __init__(self, model: ModelClient) -> None:
        self._model = model

    async def __call__(self, exchange: Exchange) -> str | None:
        """The title, or None if the model wrote nothing; raises `AnswerError`."""
        try:
            async with asyncio.timeout(_SECONDS):
                return clean_title(await self._complete(exchange))
        except TimeoutError:
            raise AnswerError("provider.silent", "The model did not name the chat in time.") from None

    async def _complete(self, exchange: Exchange) -> str:
        """The model's text. Some models refuse `temperature` or `max_tokens`."""
        prompt = _PROMPT.format(question=exchange.question[:_QUOTED], answer=exchange.answer[:_QUOTED])
        try:
            return await self._stream(prompt, _request(exchange, temperature=_TEMPERATURE, max_tokens=_MAX_TOKENS))
        except AnswerError as error:
            if error.code != "provider.refused":
                raise
        return await self._stream(prompt, _request(exchange, temperature=None, max_tokens=None))

    async def _stream(self, prompt: str, request: ModelRequest) -> str:
        text, messages = "", [{"role": "user", "content": prompt}]
        async with aclosing(self._model.stream(request, messages, Completion())) as pieces:
            async for piece in pieces:
                text += piece
                if len(text) > _ANSWER_LIMIT:
                    return ""
        return text


def clean_title(text: str) -> str | None:
    # The title in the text of a model, as one line without markup; None for an empty text.
    lines = [line.strip() for line in _THOUGHTS.sub("", text).splitlines() if line.strip()]
    announced = len(lines) > 1 and lines[0].endswith((":", "："))
    line = lines[announced] if lines else ""
    if len(line) > _LONGEST_LINE:
        return None
    line = "".join(" " if unicodedata.category(char) in {"Cc", "Zs"} else char for char in line)
    line = _LABEL.sub("", _without_markdown(line))
    line = composed(" ".join(_without_quotes(line).split()))
    return _cut(line) if any(char.isalnum() for char in line) else None


def _without_markdown(line: str) -> str:
    line = _LINK.sub(r"\1", _BULLET.sub("", line))
    return _EMPHASIS.sub(lambda match: match["text"] or match["words"], line)


def _without_quotes(line: str) -> str:
    """A line without quotes around all of it, and without a full stop at the end."""
    while True:
        bare = line.strip().rstrip(_ENDS)
        if len(bare) > 1 and bare[0] in _QUOTES and bare[-1] in _QUOTES and not {bare[0], bare[-1]} & {*bare[1:-1]}:
            bare = bare[1:-1]
        if bare == line:
            return line
        line = bare


def _cut(line: str) -> str:
    """Cut a long line, between words if possible."""
    if len(line) <= TITLE_LENGTH:
        return line
    head = line[: TITLE_LENGTH - 1]
    words, _, _ = head.rpartition(" ")
    return f"{(words if len(words) > TITLE_LENGTH // 2 else head).rstrip(_ENDS)}…"


def _request(exchange: Exchange, *, temperature: float | None, max_tokens: int | None) -> ModelRequest:
    return ModelRequest(
        run_id=exchange.run_id,
        owner_id=exchange.owner_id,
        attempt=exchange.attempt,
        model=exchange.model,
        temperature=temperature,
        max_tokens=max_tokens,
    )
