"""Calling providers, one route after the other until one answers."""

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from basechat.llm.errors import GatewayError
from basechat.llm.providers.route import Route
from basechat.llm.upstream.events import EventCutter, GarbledError, Piece
from basechat.llm.upstream.request import call, refusal, whole

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answering:
    """A provider that has begun to answer; closing `pieces` ends its connection."""

    route: Route
    pieces: AsyncGenerator[Piece]


@dataclass(frozen=True, slots=True)
class Answered:
    """A provider's answer in one body, as it is and as it reads."""

    route: Route
    body: bytes
    document: dict[str, Any]


class Dialler:
    """Calls the providers of a model."""

    async def stream(self, routes: Sequence[Route], body: Mapping[str, Any]) -> Answering:
        """Return the answer of the first route that begins to give one; raises `GatewayError`."""
        route = routes[0]
        upstream = await call(route, "chat/completions", {**body, "model": route.model})
        if upstream.status != 200:
            async with upstream:
                raise await refusal(upstream)
        return Answering(route, _pieces(upstream))

    async def whole(self, routes: Sequence[Route], path: str, body: Mapping[str, Any]) -> Answered:
        """Return the answer of the first route that gives one; raises `GatewayError`."""
        route = routes[0]
        async with await call(route, path, {**body, "model": route.model}) as upstream:
            if upstream.status != 200:
                raise await refusal(upstream)
            return Answered(route, *await whole(upstream))


async def _pieces(upstream: aiohttp.ClientResponse) -> AsyncGenerator[Piece]:
    cutter = EventCutter()
    ended = False
    try:
        async for part in upstream.content.iter_any():
            if (piece := cutter.cut(part)) is not None:
                ended = ended or piece.is_done
                yield piece
        if not ended or not cutter.is_clean:
            raise GatewayError(502, "The provider's answer broke off.", code="provider_cut")
    except TimeoutError:
        raise GatewayError(504, "The provider fell silent.", code="provider_silent") from None
    except aiohttp.ClientError:
        raise GatewayError(502, "The provider's answer broke off.", code="provider_cut") from None
    except GarbledError as error:
        log.warning("a provider's stream can't be read: %s", error)
        raise GatewayError(502, "The provider's answer can't be read.", code="provider_garbled") from None
    finally:
        upstream.release() if upstream.content.at_eof() else upstream.close()
