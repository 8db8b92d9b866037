"""Asking a provider for its models, and telling those that chat from those that embed."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from basechat.infra.network.outbound import OutboundClient, OutboundError
from basechat.kit import json
from basechat.llm.providers.prices import Price, told_price
from basechat.llm.providers.provider import Kind, Provider
from basechat.llm.providers.windows import told_window

_SECONDS = 5.0
_LIST_BYTES = 20_000_000
_REFUSED = {401, 403}

# Names are all that a list tells: OpenAI's, Mistral's and Nomic's say it; the usual open ones are known by family.
_EMBEDS = re.compile(r"embed|(^|[/_-])(e5|bge|gte|minilm)($|[:_-])", re.IGNORECASE)


class ListingError(Exception):
    """A provider did not tell its models; says why in a few words, without what it answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The names of a provider's models by what they are for, and what it tells of some: windows and prices."""

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
        """Open the client, which connects when it is first used."""
        return cls(provider, OutboundClient(provider.address))

    @property
    def is_in_use(self) -> bool:
        """Whether it answers something at the moment."""
        return self.http.is_in_use

    async def close(self) -> None:
        """Close the client, also while calls are under way."""
        await self.http.close()


def embeds(name: str) -> bool:
    """Return whether a model is for embeddings, as far as its name tells."""
    return _EMBEDS.search(name) is not None


async def list_models(upstream: Upstream) -> Listed:
    """Return the names of a provider's models, its own preference first; raises `ListingError`."""
    return declared(upstream.provider) or await ask(upstream)


def declared(provider: Provider) -> Listed | None:
    """Return the models that the administrator names, after which nobody is asked."""
    if provider.models is None:
        return None
    return Listed(names={"chat": list(provider.models), "embedding": list(provider.embedding_models)})


async def ask(upstream: Upstream) -> Listed:
    """Ask a provider for its models; raises `ListingError`."""
    provider = upstream.provider
    models = await _ask(upstream)
    rank = {name: place for place, name in enumerate(provider.preferred)}
    names = sorted(models, key=lambda name: rank.get(name, len(rank)))
    embedding = list(dict.fromkeys([*provider.embedding_models, *filter(embeds, names)]))
    no_chat = provider.traits.no_chat
    chat = [name for name in names if name not in embedding and not (no_chat and no_chat.search(name))]
    windows = {name: window for name, model in models.items() if (window := told_window(model)) is not None}
    prices = {name: price for name, model in models.items() if provider.traits.prices and (price := told_price(model))}
    return Listed(names={"chat": chat, "embedding": embedding}, windows=windows, prices=prices)


async def _ask(upstream: Upstream) -> dict[str, dict[str, Any]]:
    """Return all models by name, each as it is listed."""
    provider = upstream.provider
    path = f"models{provider.traits.list_query}"
    try:
        async with asyncio.timeout(_SECONDS):
            reply = await upstream.http.request("GET", path, provider.list_headers, connect_seconds=_SECONDS)
            try:
                if reply.status != 200:
                    refused = " and refuses the key" if reply.status in _REFUSED else ""
                    raise ListingError(f"it answers with status {reply.status}{refused}")
                return _read(json.loads(await reply.read_all(_LIST_BYTES)))
            finally:
                reply.close()
    except TimeoutError as error:
        raise ListingError("it does not answer in time") from error
    except OutboundError as error:
        raise ListingError("it can't be reached") from error
    except ValueError as error:
        raise ListingError("what it answers is no list of models") from error


def _read(document: Any) -> dict[str, dict[str, Any]]:
    try:
        # Gemini writes its names as resources.
        return {str(model["id"]).removeprefix("models/"): model for model in document["data"] if model.items()}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not a list of models") from None
