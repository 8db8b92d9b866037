"""Providers that were taken away, or replaced by others of their name, while calls of theirs are under way."""

import asyncio

from basechat.llm.providers.model_list import ModelList

REST_SECONDS = 30.0  # a call that was just routed, or that tries again after a pause, is on no connection


class RetiredUpstreams:
    """The clients that are not used for new calls, each closed when it has rested for long enough."""

    def __init__(self, *, rest_seconds: float = REST_SECONDS) -> None:
        self._rest_seconds = rest_seconds
        self._used_at: dict[ModelList, float] = {}

    def add(self, retired: ModelList) -> None:
        """Take over one that gets no more calls."""
        self._used_at[retired] = asyncio.get_running_loop().time()

    async def sweep(self) -> None:
        """Close those that have rested."""
        now = asyncio.get_running_loop().time()
        for each in list(self._used_at):
            if each.upstream.is_in_use:
                self._used_at[each] = now
            elif now - self._used_at[each] >= self._rest_seconds:
                await self._close(each)

    async def close(self) -> None:
        """Close all, whatever they do."""
        for each in list(self._used_at):
            await self._close(each)

    async def _close(self, each: ModelList) -> None:
        del self._used_at[each]
        await each.close()
        await each.upstream.close()
