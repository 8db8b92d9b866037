"""The similarity of a message and tools by embeddings. The vectors of a list of tools are computed once."""

import asyncio
import logging
import math
from array import array
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from operator import mul, sub
from uuid import UUID

from basechat.assistant.intent.words import Described
from basechat.infra.embeddings import Embeddings, EmbeddingsUnavailableError, Vector
from basechat.kit.tasks import cancel_and_wait

log = logging.getLogger(__name__)

EMBEDDING_SECONDS = 60.0
LISTS_KEPT = 64
_LINE = 200  # characters; a description states its purpose first and its arguments later
_HEAD, _TAIL = 200, 100  # characters of a long message that are embedded
_SERVER_MARK = "__"

Vectors = Mapping[str, Vector]


class ToolSimilarity:
    """Scores tools. Vectors that are too late for one message serve the next ones."""

    def __init__(self, embeddings: Embeddings, *, timeout: float) -> None:
        self._embeddings = embeddings
        self._timeout = timeout
        self._tasks: OrderedDict[str, asyncio.Task[Vectors]] = OrderedDict()

    @property
    def model(self) -> str | None:
        return self._embeddings.model

    async def close(self) -> None:
        await cancel_and_wait(*self._tasks.values())

    async def scores(
        self, text: str, tools: Sequence[Described], *, fingerprint: str, owner_id: UUID
    ) -> Mapping[str, float] | None:
        """Score from -1 to 1 per tool name, or None when there are no embeddings in time."""
        if self.model is None:
            return None
        try:
            async with asyncio.timeout(self._timeout):
                vectors = await self._tool_vectors(fingerprint, tools, owner_id)
                (embedded,) = await self._embeddings.queries([_excerpt(text)], owner_id=owner_id)
        except (EmbeddingsUnavailableError, TimeoutError) as error:
            log.info("tools are ranked by words alone: %s", str(error) or type(error).__name__)
            return None
        query = _unit(embedded)
        return {name: sum(map(mul, query, vector)) / 2 for name, vector in vectors.items()}

    async def _tool_vectors(self, fingerprint: str, tools: Sequence[Described], owner_id: UUID) -> Vectors:
        """Vectors of a list of tools. Messages that come meanwhile share one task, which outlives their timeouts."""
        task = self._tasks.get(fingerprint)
        if task is None:
            task = self._tasks[fingerprint] = asyncio.create_task(self._embed_tools(tools, owner_id))
            task.add_done_callback(partial(self._keep, fingerprint))
        self._tasks.move_to_end(fingerprint)
        return await asyncio.shield(task)

    def _keep(self, fingerprint: str, task: asyncio.Task[Vectors]) -> None:
        """Evict the lists that were unused for longest. A failed list is embedded again for the next message."""
        if task.cancelled() or task.exception() is not None:
            del self._tasks[fingerprint]
            return
        done = [key for key, each in self._tasks.items() if each.done()]
        for oldest in done[: max(0, len(done) - LISTS_KEPT)]:
            del self._tasks[oldest]

    async def _embed_tools(self, tools: Sequence[Described], owner_id: UUID) -> Vectors:
        """Sum of two directions per tool, of its name and of its description, each seen from the mean of all tools.

        Embeddings of any two texts are alike. Without the mean, only the difference between tools remains.
        """
        names = [_line(f"{_server_of(tool)} {tool.title}") or tool.name for tool in tools]
        texts = [_line(tool.description) or name for tool, name in zip(tools, names, strict=True)]
        found = await self._embeddings.passages([*names, *texts], owner_id=owner_id, timeout=EMBEDDING_SECONDS)
        by_name, by_text = _centered(found[: len(tools)]), _centered(found[len(tools) :])
        return {
            tool.name: array("f", map(sum, zip(*views, strict=True)))
            for tool, *views in zip(tools, by_name, by_text, strict=True)
        }


def _centered(vectors: Sequence[Vector]) -> list[Vector]:
    mean = [sum(values) / len(vectors) for values in zip(*vectors, strict=True)]
    return [_unit(array("f", map(sub, vector, mean))) for vector in vectors]


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(map(mul, vector, vector))) or 1.0
    return array("f", (value / length for value in vector))


def _server_of(tool: Described) -> str:
    server, mark, _ = tool.name.partition(_SERVER_MARK)
    return server if mark else ""


def _line(text: str) -> str:
    """Beginning of a text from outside, in one line that any provider accepts."""
    return " ".join(text.replace("\x00", " ").split())[:_LINE]


def _excerpt(text: str) -> str:
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} {text[-_TAIL:]}"
