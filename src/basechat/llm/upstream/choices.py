"""Whether a streamed answer is whole: every choice that was begun has said why it ended."""

from collections.abc import Mapping
from typing import Any


class Choices:
    """The choices of a stream, as its chunks tell them."""

    def __init__(self) -> None:
        self._begun: set[int] = set()
        self._finished: set[int] = set()

    @property
    def have_finished(self) -> bool:
        """Whether nothing more is to come."""
        return bool(self._finished) and self._begun <= self._finished

    def read(self, chunk: Mapping[str, Any]) -> None:
        """Read one chunk."""
        for choice in chunk.get("choices") or ():
            (self._finished if choice.get("finish_reason") else self._begun).add(choice.get("index", 0))
