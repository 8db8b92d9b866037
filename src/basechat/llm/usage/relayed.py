"""How many tokens a stream was about, where its provider does not say."""

import re

_BYTES_PER_TOKEN = 4
_TEXT = re.compile(rb'(?:content|arguments)": ?"((?:[^"\\]|\\.)+)"')
"""Text, thoughts or arguments in an event; inside of texts the quotes are escaped."""


class Relayed:
    """Counts what is relayed; it happens for every token, so no JSON is read.

    Most providers send a token an event. Those that send more at once are counted by the length of their text.
    """

    __slots__ = ("_bytes", "_texts")

    def __init__(self) -> None:
        self._bytes = 0
        self._texts = 0

    def add(self, piece: bytes) -> None:
        """Note what is relayed."""
        for text in _TEXT.findall(piece):
            self._texts += 1
            self._bytes += len(text)

    @property
    def tokens(self) -> int:
        """How many tokens that was, about."""
        return max(self._texts, self._bytes // _BYTES_PER_TOKEN)
