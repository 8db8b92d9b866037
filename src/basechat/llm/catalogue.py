"""Which models there are now, and which provider has each."""

import asyncio
import difflib
import logging
from dataclasses import dataclass

from basechat.kit.tasks import end_tasks
from basechat.llm.errors import GatewayError
from basechat.llm.listing import ListingError, Upstream, list_models
from basechat.llm.providers import Provider

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Route:
    """A model, and who has it under which name."""

    upstream: Upstream
    model: str


class Catalogue:
    """The models of all providers. Lists are asked for again after a minute, while the old one serves."""

    def __init__(self, providers: list[Provider], *, default_model: str | None) -> None:
        self._upstreams = [Upstream(each, each.address, each.address.client()) for each in providers]
        self._default = default_model
        self._lists: dict[str, list[str]] = {}
        self._silent: set[str] = set()
        self._routes: dict[str, Route] = {}
        self._offered: dict[str, Route] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Close all clients."""
        if self._reading is not None:
            await end_tasks(self._reading)
        for upstream in self._upstreams:
            await upstream.http.close()

    async def models(self) -> list[tuple[str, str]]:
        """Return each model once, with the name of its provider, the default one first."""
        await self._freshen()
        listed = [(name, route.upstream.provider.name) for name, route in self._offered.items()]
        return sorted(listed, key=lambda pair: pair[0] != self._default)

    async def route(self, model: str | None) -> Route:
        """Return who has a model, or the default one; raises `GatewayError` naming the nearest where there is none."""
        if not self._upstreams:
            raise GatewayError(503, "No model provider is configured. Set OPENAI_API_KEY or another provider.")
        await self._freshen(wanted=model)
        name = model or self._default or next(iter(self._offered), None)
        if name is None:
            raise GatewayError(503, "No model provider answers now.", code="model_unavailable", retry_after="5")
        if route := self._routes.get(name) or self._unlisted(name):
            return route
        near = difflib.get_close_matches(name, self._offered, n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise GatewayError(404, f"There is no model {name!r}.{hint}", code="model_not_found", param="model")

    def _unlisted(self, name: str) -> Route | None:
        """A provider that does not tell its models is believed to have any."""
        for upstream in self._upstreams:
            provider = upstream.provider.name
            own = name.removeprefix(f"{provider}/")
            if provider in self._silent and (own != name or len(self._upstreams) == 1):
                return Route(upstream, own)
        return None

    async def _freshen(self, wanted: str | None = None) -> None:
        """Read the lists again where they are old; wait for that only if what is wanted is not known."""
        known = bool(self._routes) and (wanted is None or wanted in self._routes)
        age = asyncio.get_running_loop().time() - self._read_at
        if age < (FRESH_SECONDS if known and not self._silent else RETRY_SECONDS):
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        if not known:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        await asyncio.gather(*(self._read_list(upstream) for upstream in self._upstreams))
        routes: dict[str, Route] = {}
        offered: dict[str, Route] = {}
        for upstream in self._upstreams:
            provider = upstream.provider.name
            for name in self._lists.get(provider, ()):
                route = routes[f"{provider}/{name}"] = Route(upstream, name)
                offered[f"{provider}/{name}" if name in routes else name] = route
                routes.setdefault(name, route)
        self._routes, self._offered = routes, offered
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
