"""Which models there are now, and which provider has each."""

import asyncio
import difflib
import logging
from dataclasses import dataclass
from typing import Any

import aiohttp

from basechat.infra.http import Address
from basechat.kit import json
from basechat.llm.errors import GatewayError
from basechat.llm.providers import Provider

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_LIST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider and the client that calls it."""

    provider: Provider
    address: Address
    http: aiohttp.ClientSession


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
        self._routes: dict[str, Route] = {}
        self._silent: set[str] = set()
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Close all clients."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        for upstream in self._upstreams:
            await upstream.http.close()

    async def models(self) -> list[tuple[str, str]]:
        """Return the names of all models with the name of each one's provider, the default first."""
        await self._freshen()
        listed = [(name, route.upstream.provider.name) for name, route in self._routes.items() if "/" not in name
                  or not name.startswith(f"{route.upstream.provider.name}/")]  # fmt: skip
        return sorted(listed, key=lambda pair: pair[0] != self._default)

    async def route(self, model: str | None) -> Route:
        """Return who has a model, or the default one; raises `GatewayError` naming the nearest where there is none."""
        if not self._upstreams:
            raise GatewayError(503, "No model provider is configured. Set OPENAI_API_KEY or another provider.")
        await self._freshen(wanted=model)
        name = model or self._default or next(iter(self._routes), None)
        if name is None:
            raise GatewayError(503, "No model provider answers now.", code="model_unavailable", retry_after="5")
        if route := self._routes.get(name) or self._unlisted(name):
            return route
        near = difflib.get_close_matches(name, self._routes, n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise GatewayError(404, f"There is no model {name!r}.{hint}", code="model_not_found", param="model")

    def _unlisted(self, name: str) -> Route | None:
        """A provider that does not tell its models is believed to have any."""
        for upstream in self._upstreams:
            provider = upstream.provider
            own = name.removeprefix(f"{provider.name}/")
            if provider.name in self._silent and (own != name or len(self._upstreams) == 1):
                return Route(upstream, own)
        return None

    async def _freshen(self, wanted: str | None = None) -> None:
        loop = asyncio.get_running_loop()
        known = bool(self._routes) and (wanted is None or wanted in self._routes)
        age = loop.time() - self._read_at
        if age < (FRESH_SECONDS if known else RETRY_SECONDS):
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        if not known:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        lists = await asyncio.gather(*(self._list(upstream) for upstream in self._upstreams))
        routes: dict[str, Route] = {}
        for upstream, names in zip(self._upstreams, lists, strict=True):
            for name in names:
                routes.setdefault(name, Route(upstream, name))
                routes.setdefault(f"{upstream.provider.name}/{name}", Route(upstream, name))
        self._routes = routes
        self._read_at = asyncio.get_running_loop().time()

    async def _list(self, upstream: Upstream) -> list[str]:
        provider = upstream.provider
        if provider.models is not None:
            return list(provider.models)
        try:
            url = f"{upstream.address.base_url}/models"
            async with upstream.http.get(url, headers=provider.headers, timeout=_TIMEOUT) as response:
                response.raise_for_status()
                names = _names(json.loads(await response.content.read(_LIST_BYTES)))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("provider %s does not tell its models: %s", provider.name, error)
            self._silent.add(provider.name)
            return [name for name, route in self._routes.items()
                    if route.upstream is upstream and not name.startswith(f"{provider.name}/")]  # fmt: skip
        self._silent.discard(provider.name)
        return names


def _names(document: Any) -> list[str]:
    try:
        return [str(model["id"]) for model in document["data"]]
    except (KeyError, TypeError):
        raise ValueError("not a list of models") from None
