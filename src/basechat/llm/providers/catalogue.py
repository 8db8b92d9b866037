"""Which models there are now, and which provider has each."""

import asyncio
import difflib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from basechat.kit.tasks import end_tasks
from basechat.llm.errors import GatewayError
from basechat.llm.providers.listing import Listed, ListingError, Upstream, list_models
from basechat.llm.providers.provider import Kind, Provider
from basechat.llm.providers.windows import window_of

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0
KINDS: tuple[Kind, ...] = get_args(Kind)
_NOBODY: Mapping[Kind, str] = {
    "chat": "No model provider is configured. Set OPENAI_API_KEY or another provider.",
    "embedding": "No provider of embeddings is configured. Set EMBEDDING_MODEL and a provider that has it.",
}
_NOTHING = Listed(names={kind: [] for kind in KINDS})


@dataclass(frozen=True, slots=True)
class Route:
    """A model, who has it under which name, and the window that its list tells."""

    upstream: Upstream
    model: str
    told_window: int | None = None

    @property
    def provider(self) -> Provider:
        """Who has it."""
        return self.upstream.provider

    def window(self, default: int) -> int:
        """Return how many tokens the model takes at once, or the default where nobody knows."""
        return window_of(self.model, told=self.told_window, declared=self.provider.context_window, default=default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The models of one kind: by every name that leads to one, and by the one name each is listed under."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    listed: Mapping[str, Route] = field(default_factory=dict)


class Catalogue:
    """The models of all providers. Lists are asked for again after a minute, while the old one serves."""

    def __init__(self, providers: list[Provider], *, defaults: Mapping[Kind, str | None]) -> None:
        self._upstreams = [Upstream(each, each.address, each.address.client()) for each in providers]
        self._defaults = defaults
        self._lists: dict[str, Listed] = {}
        self._silent: set[str] = set()
        self._offers = {kind: Offer() for kind in KINDS}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Close all clients."""
        if self._reading is not None:
            await end_tasks(self._reading)
        for upstream in self._upstreams:
            await upstream.http.close()

    async def models(self, kind: Kind = "chat") -> list[tuple[str, Route]]:
        """Return each model of a kind once, with the way to it, the default one first."""
        await self._freshen(kind)
        return sorted(self._offers[kind].listed.items(), key=lambda pair: pair[0] != self._defaults[kind])

    async def route(self, model: str | None, kind: Kind = "chat") -> Route:
        """Return who has a model, or the default one; raises `GatewayError` naming the nearest where there is none."""
        if not self._able(kind):
            raise GatewayError(503, _NOBODY[kind])
        await self._freshen(kind, wanted=model)
        offer = self._offers[kind]
        name = model or self._defaults[kind] or next(iter(offer.listed), None)
        if name is None:
            raise GatewayError(503, "No model provider answers now.", code="model_unavailable", retry_after="5")
        if route := offer.routes.get(name) or self._unlisted(name, kind):
            return route
        near = difflib.get_close_matches(name, offer.listed, n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise GatewayError(404, f"There is no {kind} model {name!r}.{hint}", code="model_not_found", param="model")

    def _able(self, kind: Kind) -> list[Upstream]:
        return [upstream for upstream in self._upstreams if upstream.provider.offers(kind)]

    def _unlisted(self, name: str, kind: Kind) -> Route | None:
        """A provider that does not tell its models is believed to have any."""
        able = self._able(kind)
        for upstream in able:
            provider = upstream.provider.name
            own = name.removeprefix(f"{provider}/")
            if provider in self._silent and (own != name or len(able) == 1):
                return Route(upstream, own)
        return None

    async def _freshen(self, kind: Kind, wanted: str | None = None) -> None:
        """Read the lists again where they are old; wait for that only if what is wanted is not known."""
        routes = self._offers[kind].routes
        known = bool(routes) and (wanted is None or wanted in routes)
        age = asyncio.get_running_loop().time() - self._read_at
        if age < (FRESH_SECONDS if known and not self._silent else RETRY_SECONDS):
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        if not known:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        await asyncio.gather(*(self._read_list(upstream) for upstream in self._upstreams))
        self._offers = {kind: _offer(self._upstreams, self._lists, kind) for kind in KINDS}
        self._read_at = asyncio.get_running_loop().time()

    async def _read_list(self, upstream: Upstream) -> None:
        """Read one list; where it is not told, the last one stays."""
        provider = upstream.provider.name
        try:
            self._lists[provider] = await list_models(upstream)
            self._silent.discard(provider)
        except ListingError as error:
            log.warning("provider %s does not tell its models: %s", provider, error)
            self._silent.add(provider)


def _offer(upstreams: Sequence[Upstream], lists: Mapping[str, Listed], kind: Kind) -> Offer:
    routes: dict[str, Route] = {}
    listed: dict[str, Route] = {}
    for upstream in upstreams:
        provider = upstream.provider.name
        told = lists.get(provider, _NOTHING)
        for name in told.names[kind]:
            route = routes[f"{provider}/{name}"] = Route(upstream, name, told.windows.get(name))
            listed[f"{provider}/{name}" if name in routes else name] = route
            routes.setdefault(name, route)
    return Offer(routes=routes, listed=listed)
