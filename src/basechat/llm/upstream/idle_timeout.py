"""The idle timeout of a provider's answer."""

import asyncio

from basechat.infra.network.outbound import OutboundReply

_GRACE_SECONDS = 0.05


class IdleTimeout:
    """Fails a read that waits too long.

    Reads happen for every token, so a read schedules nothing: one timer checks now and then when the last read began.
    The time between reads, while the client is slow, does not count. A comment proves that the provider works, but
    only for `longest` seconds.
    """

    def __init__(self, reply: OutboundReply, *, seconds: float, longest: float) -> None:
        self._reply = reply
        self._seconds = seconds
        self._longest = max(longest, seconds)
        self._loop = asyncio.get_running_loop()
        self._waits_since: float | None = None
        self._sign_at = 0.0
        self._timer = self._loop.call_later(seconds, self._check)

    def begin_read(self) -> None:
        self._waits_since = self._sign_at = self._loop.time()

    def note_comment(self) -> None:
        self._sign_at = self._loop.time()

    def end_read(self) -> None:
        self._waits_since = None

    def close(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        now = self._loop.time()
        if self._waits_since is None:
            self._timer = self._loop.call_at(now + self._seconds, self._check)
            return
        due = min(self._sign_at + self._seconds, self._waits_since + self._longest)
        if now < due:
            self._timer = self._loop.call_at(due, self._check)
        else:
            self._timer = self._loop.call_later(_GRACE_SECONDS, self._fail, self._waits_since, self._sign_at)

    def _fail(self, waited_since: float, sign_at: float) -> None:
        """Fail the read, unless bytes arrived while this process was too busy to read them."""
        if (self._waits_since, self._sign_at) == (waited_since, sign_at):
            self._reply.fail(TimeoutError())
        else:
            self._check()
