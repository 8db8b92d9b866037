"""The clients of a provider, and its list of models, which is read again in the background."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from basechat.infra.network.outbound import OutboundClient, OutboundError
from basechat.kit import json
from basechat.kit.tasks import cancel_and_wait
from basechat.llm.providers.prices import Price, parse_price, parse_window
from basechat.llm.providers.provider import KINDS, Kind, Provider

log = logging.getLogger(__name__)

_SECONDS = 5.0
_LIST_BYTES = 20_000_000
_REFUSED = {401, 403}

# A list contains only names. OpenAI's, Mistral's and Nomic's names contain `embed`; open models are known by family.
_EMBEDS = re.compile(r"embed|(^|[/_-])(e5|bge|gte|minilm)($|[:_-])", re.IGNORECASE)


class ListingError(Exception):
    """A provider did not list its models. The message has the reason, but nothing of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelListing:
    """The models of a provider by kind, and the windows and prices that it lists for some of them."""

    names: Mapping[Kind, list[str]]
    windows: Mapping[str, int] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider and the client that calls it."""

    provider: Provider
    http: OutboundClient

    @classmethod
    def of(cls, provider: Provider) -> "Upstream":
        return cls(provider, OutboundClient(provider.address))

    @property
    def is_in_use(self) -> bool:
        return self.http.is_in_use

    async def close(self) -> None:
        await self.http.close()


def embeds(name: str) -> bool:
    return _EMBEDS.search(name) is not None


async def list_models(upstream: Upstream) -> ModelListing:
    """The names of a provider's models, its own preference first; raises `ListingError`."""
    return declared(upstream.provider) or await request_listing(upstream)


def declared(provider: Provider) -> ModelListing | None:
    # With models named by the administrator the provider's own list is not requested.
    if provider.models is None:
        return None
    return ModelListing(names={"chat": list(provider.models), "embedding": list(provider.embedding_models)})


async def request_listing(upstream: Upstream) -> ModelListing:
    """Request the models of a provider; raises `ListingError`."""
    provider = upstream.provider
    models = await _request_models(upstream)
    rank = {name: place for place, name in enumerate(provider.preferred)}
    names = sorted(models, key=lambda name: rank.get(name, len(rank)))
    embedding = list(dict.fromkeys([*provider.embedding_models, *filter(embeds, names)]))
    no_chat = provider.spec.no_chat
    chat = [name for name in names if name not in embedding and not (no_chat and no_chat.search(name))]
    windows = {name: window for name, model in models.items() if (window := parse_window(model)) is not None}
    prices = {name: price for name, model in models.items() if provider.spec.prices and (price := parse_price(model))}
    return ModelListing(names={"chat": chat, "embedding": embedding}, windows=windows, prices=prices)


async def _request_models(upstream: Upstream) -> dict[str, dict[str, Any]]:
    """The listed documents of all models, by name."""
    provider = upstream.provider
    path = f"models{provider.spec.list_query}"
    try:
        async with asyncio.timeout(_SECONDS):
            reply = await upstream.http.request("GET", path, provider.list_headers, connect_seconds=_SECONDS)
            try:
                if reply.status != 200:
                    refused = " and refuses the key" if reply.status in _REFUSED else ""
                    raise ListingError(f"it answers with status {reply.status}{refused}")
                return _parse(json.loads(await reply.read_all(_LIST_BYTES)))
            finally:
                reply.close()
    except TimeoutError as error:
        raise ListingError("it does not answer in time") from error
    except OutboundError as error:
        raise ListingError("it can't be reached") from error
    except ValueError as error:
        raise ListingError("its answer isn't a list of models") from error


def _parse(document: Any) -> dict[str, dict[str, Any]]:
    try:
        # Gemini writes its names as resources.
        return {str(model["id"]).removeprefix("models/"): model for model in document["data"] if model.items()}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not a list of models") from None


FRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0


class ModelList:
    """The models of one provider. `is_silent`: the provider does not list them now, so the last list stays."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        known = declared(upstream.provider)
        self._is_requested = known is None and upstream.provider.spec.lists
        self.listing = known or ModelListing(names={kind: [] for kind in KINDS})
        self.is_silent = known is None and not self._is_requested
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def refresh(self, *, wanted: bool) -> asyncio.Task[None] | None:
        """Start to read an old list again, earlier if an unknown model is wanted. Returns the running task, if any."""
        if not self._is_requested:
            return None
        if self._reading is None or self._reading.done():
            age = asyncio.get_running_loop().time() - self._read_at
            if age < (RETRY_SECONDS if wanted or self.is_silent else FRESH_SECONDS):
                return None
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def close(self) -> None:
        if self._reading is not None:
            await cancel_and_wait(self._reading)

    async def _read(self) -> None:
        provider = self.upstream.provider.name
        try:
            self.listing = await list_models(self.upstream)
            self.is_silent = False
        except ListingError as error:
            if not self.is_silent:
                log.warning("provider %s does not list its models: %s (%s)", provider, error, error.__cause__)
            self.is_silent = True
        self._read_at = asyncio.get_running_loop().time()


REST_SECONDS = 30.0  # a call that was just routed, or that waits for a retry, has no connection


class DrainingClients:
    """Clients without new calls. Each is closed after it was unused for `rest_seconds`."""

    def __init__(self, *, rest_seconds: float = REST_SECONDS) -> None:
        self._rest_seconds = rest_seconds
        self._used_at: dict[ModelList, float] = {}

    def add(self, retired: ModelList) -> None:
        self._used_at[retired] = asyncio.get_running_loop().time()

    async def sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        for each in list(self._used_at):
            if each.upstream.is_in_use:
                self._used_at[each] = now
            elif now - self._used_at[each] >= self._rest_seconds:
                await self._close(each)

    async def close(self) -> None:
        for each in list(self._used_at):
            await self._close(each)

    async def _close(self, each: ModelList) -> None:
        del self._used_at[each]
        await each.close()
        await each.upstream.close()
