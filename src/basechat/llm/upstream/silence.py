"""Noticing that a provider fell silent in the middle of its answer."""

import asyncio

from basechat.infra.network.outbound import OutboundReply

_GRACE_SECONDS = 0.05


class Silence:
    """Breaks off a read that has waited too long.

    Reads happen for every token, so nothing is scheduled for each: one timer looks now and then at when the last began.
    Time that nobody waits, because the client is slow, is not counted. A comment says that the provider still works;
    it is believed for `longest` seconds.
    """

    def __init__(self, reply: OutboundReply, *, seconds: float, longest: float) -> None:
        self._reply = reply
        self._seconds = seconds
        self._longest = max(longest, seconds)
        self._loop = asyncio.get_running_loop()
        self._waits_since: float | None = None
        self._sign_at = 0.0
        self._timer = self._loop.call_later(seconds, self._look)

    def begins(self) -> None:
        """Note that something is waited for."""
        self._waits_since = self._sign_at = self._loop.time()

    def sign(self) -> None:
        """Note that a comment came."""
        self._sign_at = self._loop.time()

    def ends(self) -> None:
        """Note that it came."""
        self._waits_since = None

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if self._waits_since is None:
            self._timer = self._loop.call_at(now + self._seconds, self._look)
            return
        due = min(self._sign_at + self._seconds, self._waits_since + self._longest)
        if now < due:
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._timer = self._loop.call_later(_GRACE_SECONDS, self._end, self._waits_since, self._sign_at)

    def _end(self, waited_since: float, sign_at: float) -> None:
        """End the wait, unless something came that lay unread while this process was held up."""
        if (self._waits_since, self._sign_at) == (waited_since, sign_at):
            self._reply.fail(TimeoutError())
        else:
            self._look()
