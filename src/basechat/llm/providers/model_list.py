"""What one provider tells of its models: asked for anew after a minute, while the old list serves."""

import asyncio
import logging

from basechat.kit.tasks import cancel_and_wait
from basechat.llm.providers.listing import Listed, ListingError, Upstream, declared, list_models
from basechat.llm.providers.provider import KINDS

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0


class ModelList:
    """The models of one provider. One `is_silent` that does not tell them; then the last ones told stay."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        known = declared(upstream.provider)
        self._asked = known is None and upstream.provider.traits.lists
        self.told = known or Listed(names={kind: [] for kind in KINDS})
        self.is_silent = known is None and not self._asked
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def freshen(self, *, wanted: bool) -> asyncio.Task[None] | None:
        """Begin to read the list again where it is old, sooner where something unknown is wanted; gives the reading."""
        if not self._asked:
            return None
        if self._reading is None or self._reading.done():
            age = asyncio.get_running_loop().time() - self._read_at
            if age < (RETRY_SECONDS if wanted or self.is_silent else FRESH_SECONDS):
                return None
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def close(self) -> None:
        """End what is being read."""
        if self._reading is not None:
            await cancel_and_wait(self._reading)

    async def _read(self) -> None:
        provider = self.upstream.provider.name
        try:
            self.told = await list_models(self.upstream)
            self.is_silent = False
        except ListingError as error:
            if not self.is_silent:
                log.warning("provider %s does not tell its models: %s (%s)", provider, error, error.__cause__)
            self.is_silent = True
        self._read_at = asyncio.get_running_loop().time()
