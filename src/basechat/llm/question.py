"""One request for a completion, as the gateway understands it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from basechat.llm.callers import Known
from basechat.llm.providers.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who asks what of which models, and what may be done to answer it.

    `key` is what its answer is found by. `cache-control: no-cache` asks for a new answer, which is kept like any other;
    `no-store` keeps none.
    """

    known: Known
    body: Mapping[str, Any]
    routes: Sequence[Route]
    key: str
    reads_cache: bool
    writes_cache: bool
    began: float = field(default_factory=time.perf_counter)

    @property
    def streams(self) -> bool:
        """Whether the answer is wanted as it comes."""
        return bool(self.body.get("stream"))

    @property
    def with_usage(self) -> bool:
        """Whether the stream is to end with the usage."""
        return bool((self.body.get("stream_options") or {}).get("include_usage"))
