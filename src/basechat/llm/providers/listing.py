"""Asking a provider for its models, and telling those that chat from those that embed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from basechat.infra.http import Address, is_in_use, read_at_most
from basechat.infra.http1.client import Client
from basechat.kit import json
from basechat.llm.providers.prices import Price, told_price
from basechat.llm.providers.provider import Kind, Provider
from basechat.llm.providers.windows import told_window

_TIMEOUT = aiohttp.ClientTimeout(total=5)
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
    """A provider and the clients that call it: for its models, and for the list of them."""

    provider: Provider
    address: Address
    calls: Client
    lists: aiohttp.ClientSession

    @classmethod
    def of(cls, provider: Provider) -> "Upstream":
        """Open the clients; they connect when they are first used."""
        address = provider.address
        return cls(provider, address, Client(address), address.client())

    @property
    def is_in_use(self) -> bool:
        """Whether it answers something at the moment."""
        return self.calls.is_in_use or is_in_use(self.lists)

    async def close(self) -> None:
        """Close the clients, whatever they do."""
        await self.calls.close()
        await self.lists.close()


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
    url = f"{upstream.address.base_url}/models{provider.traits.list_query}"
    try:
        async with upstream.lists.get(
            url, headers=provider.list_headers, timeout=_TIMEOUT, allow_redirects=False
        ) as response:
            if response.status != 200:
                refused = " and refuses the key" if response.status in _REFUSED else ""
                raise ListingError(f"it answers with status {response.status}{refused}")
            return _read(json.loads(await read_at_most(response.content, _LIST_BYTES)))
    except TimeoutError as error:
        raise ListingError("it does not answer in time") from error
    except aiohttp.ClientError as error:
        raise ListingError("it can't be reached") from error
    except ValueError as error:
        raise ListingError("what it answers is no list of models") from error


def _read(document: Any) -> dict[str, dict[str, Any]]:
    try:
        # Gemini writes its names as resources.
        return {str(model["id"]).removeprefix("models/"): model for model in document["data"] if model.items()}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not a list of models") from None
