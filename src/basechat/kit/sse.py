"""Server-sent events (WHATWG HTML, section 9.2): how they are written and how a byte stream of them is read."""

from collections.abc import AsyncIterable, AsyncIterator

LONGEST_LINE = 1_000_000  # bytes
KEEP_ALIVE = b": keep-alive\n\n"


def encode(event: str, data: bytes, event_id: str) -> bytes:
    """Return one event; `data` is JSON without line breaks."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id.encode(), event.encode(), data)


async def data_lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the value of each `data:` line of a byte stream; other fields are passed over.

    Providers of chat completions write one line a chunk, so lines are not joined. Raises ValueError for a line
    longer than `LONGEST_LINE`.
    """
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise ValueError("a line without end")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
