"""Reads the body of an answer, at most so much of it, packed or not."""

import zlib
from dataclasses import dataclass

import aiohttp

ACCEPTED = "gzip, deflate"
_PACKED = {"gzip", "x-gzip", "deflate"}
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_CHUNK = 65_536


class UnreadableBodyError(Exception):
    """The body is packed in a way that is not asked for, or not as it says."""


@dataclass(frozen=True, slots=True)
class Body:
    """The first bytes of a body, and whether there were more."""

    content: bytes
    is_cut: bool


async def read_body(response: aiohttp.ClientResponse, *, limit: int) -> Body:
    """Read at most `limit` bytes of a body, as sent and as unpacked, so that a small one can't become a large one."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in _PACKED | {"", "identity"}:
        raise UnreadableBodyError(f"The server packed the page as {packing[:40]!r}, which was not asked for.")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB) if packing in _PACKED else None
    content, received = bytearray(), 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        received += len(chunk)
        content += _unpacked(unpacker, chunk, limit + 1 - len(content)) if unpacker else chunk
        if max(received, len(content)) > limit:
            return Body(bytes(content[:limit]), is_cut=True)
        if unpacker is not None and unpacker.eof:
            break
    return Body(bytes(content), is_cut=False)


def _unpacked(unpacker: "zlib._Decompress", chunk: bytes, limit: int) -> bytes:
    try:
        return unpacker.decompress(chunk, limit)
    except zlib.error:
        raise UnreadableBodyError("The page is not packed as its server says.") from None
