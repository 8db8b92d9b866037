"""Asking a provider for its models, and which of them can chat."""

import re
from dataclasses import dataclass
from typing import Any

import aiohttp

from basechat.infra.http import Address, read_at_most
from basechat.kit import json
from basechat.llm.providers import Provider

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_LIST_BYTES = 20_000_000

# OpenAI lists everything it has under one roof, without saying what each is for.
_NO_CHAT = re.compile(
    r"embed|whisper|tts|dall-e|moderation|image|audio|realtime|transcribe|sora|davinci|babbage|instruct|computer-use"
)


class ListingError(Exception):
    """A provider did not tell its models."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider and the client that calls it."""

    provider: Provider
    address: Address
    http: aiohttp.ClientSession


async def list_models(upstream: Upstream) -> list[str]:
    """Return the names of a provider's models, its own preference first; raises `ListingError`."""
    provider = upstream.provider
    if provider.models is not None:
        return list(provider.models)
    try:
        url = f"{upstream.address.base_url}/models"
        async with upstream.http.get(
            url, headers=provider.headers, timeout=_TIMEOUT, allow_redirects=False
        ) as response:
            response.raise_for_status()
            names = _names(json.loads(await read_at_most(response.content, _LIST_BYTES)))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ListingError(str(error) or type(error).__name__) from error
    if provider.is_openai:
        names = [name for name in names if not _NO_CHAT.search(name)]
    rank = {name: place for place, name in enumerate(provider.preferred)}
    return sorted(names, key=lambda name: rank.get(name, len(rank)))


def _names(document: Any) -> list[str]:
    try:
        return [str(model["id"]) for model in document["data"]]
    except (KeyError, TypeError):
        raise ValueError("not a list of models") from None
