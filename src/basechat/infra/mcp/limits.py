"""Limits of one listing or call: times, and how much a server may send."""

import re
from dataclasses import dataclass

from basechat.infra.mcp.errors import McpError, McpErrorCode

# JSON has no line break within a string. So a line break also ends a quote in a line that is not JSON.
_STRING = re.compile(rb'"[^"\r\n]*["\r\n]')


@dataclass(frozen=True, slots=True, kw_only=True)
class McpLimits:
    """Limits of one listing or call. Only tests use others than the defaults."""

    connect_seconds: float = 5.0
    list_seconds: float = 15.0
    call_seconds: float = 60.0
    answer_bytes: int = 5_000_000  # all bytes from the server, handshake included
    answer_values: int = 25_000  # all JSON values from the server
    answer_length: int = 60_000  # characters of a result that the model gets
    tools: int = 200
    pages: int = 20  # of a listing
    description_length: int = 4_000
    schema_bytes: int = 16_000
    listing_length: int = 300_000  # all descriptions and schemas together


DEFAULT_LIMITS = McpLimits()


class ResponseLimiter:
    """Counts the bytes and the JSON values of a server's answer as they arrive.

    A limit on bytes is not enough: for each value that the SDK does not expect, it creates several errors. From five
    megabytes of `[0,0,0,...]` it would create gigabytes of errors, and block for most of a minute.
    """

    def __init__(self, limits: McpLimits) -> None:
        self._limits = limits
        self._bytes = 0
        self._values = 0
        self._held = b""  # a backslash at the end of a part, which escapes the first character of the next
        self._in_string = False

    def count(self, part: bytes) -> None:
        """Count one more part; raises `McpError` beyond the limits."""
        self._bytes += len(part)
        if self._bytes > self._limits.answer_bytes:
            raise too_large(f"{self._limits.answer_bytes:,} bytes")
        outside = self._outside_strings(part)
        self._values += outside.count(b",") + outside.count(b"[") + outside.count(b"{")
        if self._values > self._limits.answer_values:
            raise too_large(f"{self._limits.answer_values:,} values")

    def _outside_strings(self, part: bytes) -> bytes:
        text = self._held + part
        is_cut = (len(text) - len(text.rstrip(b"\\"))) % 2 == 1
        text, self._held = (text[:-1], b"\\") if is_cut else (text, b"")
        text = text.replace(rb"\\", b"").replace(rb"\"", b"")
        text = _STRING.sub(b"", b'"' + text if self._in_string else text)
        outside, quote, _ = text.partition(b'"')
        self._in_string = bool(quote)
        return outside


def too_large(limit: str) -> McpError:
    return McpError(McpErrorCode.TOO_LARGE, f"The server answered more than {limit}.", sent=True)
