"""Asking a provider for its models, and telling those that chat from those that embed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from basechat.infra.http import Address, read_at_most
from basechat.kit import json
from basechat.llm.providers.provider import Kind, Provider
from basechat.llm.providers.windows import told_window

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_LIST_BYTES = 20_000_000

# OpenAI lists everything it has under one roof, without saying what each is for.
_NO_CHAT = re.compile(
    r"whisper|tts|dall-e|moderation|image|audio|realtime|transcribe|sora|davinci|babbage|instruct|computer-use"
)
# Names are all that a list tells: OpenAI's, Mistral's and Nomic's say it; the usual open ones are known by family.
_EMBEDS = re.compile(r"embed|(^|[/_-])(e5|bge|gte|minilm)($|[:_-])", re.IGNORECASE)


class ListingError(Exception):
    """A provider did not tell its models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The names of a provider's models by what they are for, and the windows of those of which it tells them."""

    names: Mapping[Kind, list[str]]
    windows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider and the client that calls it."""

    provider: Provider
    address: Address
    http: aiohttp.ClientSession


async def list_models(upstream: Upstream) -> Listed:
    """Return the names of a provider's models, its own preference first; raises `ListingError`."""
    provider = upstream.provider
    if provider.models is not None:
        return Listed(names={"chat": list(provider.models), "embedding": list(provider.embedding_models)})
    told = await _ask(upstream)
    rank = {name: place for place, name in enumerate(provider.preferred)}
    names = sorted(told, key=lambda name: rank.get(name, len(rank)))
    embedding = list(dict.fromkeys([*provider.embedding_models, *filter(_EMBEDS.search, names)]))
    others = (name for name in names if name not in embedding)
    chat = [name for name in others if not (provider.is_openai and _NO_CHAT.search(name))]
    windows = {name: window for name, window in told.items() if window is not None}
    return Listed(names={"chat": chat, "embedding": embedding}, windows=windows)


async def _ask(upstream: Upstream) -> dict[str, int | None]:
    """Return the names of all models, each with its window where that is told."""
    try:
        url = f"{upstream.address.base_url}/models"
        async with upstream.http.get(
            url, headers=upstream.provider.headers, timeout=_TIMEOUT, allow_redirects=False
        ) as response:
            response.raise_for_status()
            return _read(json.loads(await read_at_most(response.content, _LIST_BYTES)))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ListingError(str(error) or type(error).__name__) from error


def _read(document: Any) -> dict[str, int | None]:
    try:
        return {str(model["id"]): told_window(model) for model in document["data"]}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not a list of models") from None
