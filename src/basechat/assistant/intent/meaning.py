"""How near tools are to a message in meaning, by embeddings that are made once per list of tools."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any
from uuid import UUID

from basechat.assistant.intent.decision import Described, server_of
from basechat.assistant.intent.small_talk import SMALL_TALK
from basechat.assistant.intent.vectors import direction, dot, mean, total
from basechat.infra.embeddings import Embeddings, EmbeddingsUnavailableError, Vector
from basechat.kit.tasks import cancel_and_wait

log = logging.getLogger(__name__)

MAKING_SECONDS = 60.0
LISTS_KEPT = 64
_LINE = 200  # characters; what a tool is for comes first in its description, and then all about its arguments
_HEAD, _TAIL = 200, 100  # characters of a long message; it is asked for at its beginning or its end

Made = Mapping[str, Vector]


class Meaning:
    """Scores tools. What is not made in time goes on being made for the messages to come."""

    def __init__(self, embeddings: Embeddings, *, patience: float) -> None:
        self._embeddings = embeddings
        self._patience = patience
        self._tasks: OrderedDict[str, asyncio.Task[Made]] = OrderedDict()

    @property
    def model(self) -> str | None:
        """The model of embeddings, or None where there is none."""
        return self._embeddings.model

    async def close(self) -> None:
        """End what is still being made."""
        await cancel_and_wait(*self._tasks.values())

    async def scores(
        self, text: str, language: str, tools: Sequence[Described], *, fingerprint: str, owner_id: UUID
    ) -> Mapping[str, float] | None:
        """Return a score from -1 to 1 per tool name, or None where there are no embeddings in time."""
        if self.model is None:
            return None
        try:
            async with asyncio.timeout(self._patience):
                places, middles = await asyncio.gather(
                    self._once(fingerprint, self._places(tools, owner_id)),
                    self._once(language, self._middle(language, owner_id)),
                )
                (asked,) = await self._embeddings.queries([_clipped(text)], owner_id=owner_id)
        except (EmbeddingsUnavailableError, TimeoutError) as error:
            log.info("tools are ranked by words alone: %s", str(error) or type(error).__name__)
            return None
        towards = direction(asked, origin=middles[language])
        return {name: dot(towards, place) / 2 for name, place in places.items()}

    async def _once(self, name: str, making: Coroutine[Any, Any, Made]) -> Made:
        """Return what is made once and shared by all who ask meanwhile; it survives those who stop waiting."""
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = asyncio.create_task(making)
            task.add_done_callback(lambda done: self._keep(name, done))
        else:
            making.close()
        self._tasks.move_to_end(name)
        return await asyncio.shield(task)

    def _keep(self, name: str, task: asyncio.Task[Made]) -> None:
        """Keep what was made, in place of what was not used for longest; what failed is made anew for the next."""
        if task.cancelled() or task.exception() is not None:
            del self._tasks[name]
            return
        made = [name for name, each in self._tasks.items() if each.done() and name not in SMALL_TALK]
        for oldest in made[: max(0, len(made) - LISTS_KEPT)]:
            del self._tasks[oldest]

    async def _places(self, tools: Sequence[Described], owner_id: UUID) -> Made:
        """Return where each tool is, seen from the middle of all: by its title and by its description."""
        names = [_line(f"{server_of(tool)} {tool.title}") or tool.name for tool in tools]
        texts = [_line(tool.description) for tool in tools]
        told = [text or name for text, name in zip(texts, names, strict=True)]
        found = await self._embeddings.passages([*names, *told], owner_id=owner_id, timeout=MAKING_SECONDS)
        by_name, by_text = (_seen_from_middle(view) for view in (found[: len(tools)], found[len(tools) :]))
        return {tool.name: total(*views) for tool, *views in zip(tools, by_name, by_text, strict=True)}

    async def _middle(self, language: str, owner_id: UUID) -> Made:
        vectors = await self._embeddings.queries(SMALL_TALK[language], owner_id=owner_id, timeout=MAKING_SECONDS)
        return {language: mean(vectors)}


def _seen_from_middle(vectors: Sequence[Vector]) -> list[Vector]:
    middle = mean(vectors)
    return [direction(vector, origin=middle) for vector in vectors]


def _line(text: str) -> str:
    """Return the beginning of what strangers wrote, in one line that any provider takes."""
    return " ".join(text.replace("\x00", " ").split())[:_LINE]


def _clipped(text: str) -> str:
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} {text[-_TAIL:]}"
