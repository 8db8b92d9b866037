"""A provider's answer in one body."""

from typing import Any

from basechat.infra.network.outbound import OutboundError, OutboundReply
from basechat.kit import json
from basechat.llm.providers.provider import Provider
from basechat.llm.upstream.failure import cut, garbled
from basechat.llm.upstream.refusal import error_in, told_in_place

_BYTES = 32_000_000


async def read_whole(provider: Provider, reply: OutboundReply, *, holds: str) -> tuple[bytes, dict[str, Any]]:
    """Return an answer as it is and as it reads: an object whose field `holds` is a list; raises `Failure`."""
    try:
        body = await reply.read_all(_BYTES)
        document = json.loads(body)
    except OutboundError:
        raise cut(provider.name) from None
    except ValueError:
        raise garbled(provider.name) from None
    finally:
        reply.close()
    if error := error_in(document):
        raise told_in_place(provider, error)
    if not isinstance(document, dict) or not isinstance(document.get(holds), list):
        raise garbled(provider.name)
    return body, document
