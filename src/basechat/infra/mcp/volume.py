"""How much a server has said in one exchange: bytes, and values of JSON."""

import re

from basechat.infra.mcp.bounds import Bounds
from basechat.infra.mcp.errors import McpError, Trouble

# JSON has no line break within a string, so one ends what a line of an event stream that is no JSON may have begun.
_STRING = re.compile(rb'"[^"\r\n]*["\r\n]')


class Volume:
    """Counts what comes, as it comes.

    Bytes alone do not bound what an answer costs: of each value that the SDK does not expect it makes several errors.
    Of five megabytes of `[0,0,0,...]` it would make gigabytes, for most of a minute.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._bytes = 0
        self._values = 0
        self._held = b""  # a backslash whose partner is yet to come
        self._in_string = False

    def take(self, part: bytes) -> None:
        """Count one more part; raises `McpError` beyond the bounds."""
        self._bytes += len(part)
        if self._bytes > self._bounds.answer_bytes:
            raise _too_much(f"{self._bounds.answer_bytes:,} bytes")
        outside = self._outside_strings(part)
        self._values += outside.count(b",") + outside.count(b"[") + outside.count(b"{")
        if self._values > self._bounds.answer_values:
            raise _too_much(f"{self._bounds.answer_values:,} values")

    def _outside_strings(self, part: bytes) -> bytes:
        text = self._held + part
        is_cut = (len(text) - len(text.rstrip(b"\\"))) % 2 == 1
        text, self._held = (text[:-1], b"\\") if is_cut else (text, b"")
        text = text.replace(rb"\\", b"").replace(rb"\"", b"")
        text = _STRING.sub(b"", b'"' + text if self._in_string else text)
        outside, quote, _ = text.partition(b'"')
        self._in_string = bool(quote)
        return outside


def _too_much(what: str) -> McpError:
    return McpError(Trouble.TOO_LARGE, f"The server answered more than {what}.", sent=True)
