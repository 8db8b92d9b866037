"""Timeouts, retries and the circuit breaker of a provider."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from basechat.infra.network.outbound import OutboundReply
from basechat.kit.config import Settings
from basechat.llm.providers.provider import Provider
from basechat.protocol import ANSWER_SECONDS

FIRST_PAUSE_SECONDS = 0.5
PAUSES_SECONDS = 8.0  # in total, so that a client gets an error before it loses interest
_JITTER = 0.1
_GRACE_SECONDS = 0.05

FIRST_OPEN_SECONDS = 5.0
MAX_OPEN_SECONDS = 60.0
PROBE_SECONDS = 10.0  # after this time a probe that is still unanswered does not prevent others


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """The limits of calls of providers; times in seconds."""

    connect_seconds: float = 10
    first_token_seconds: float = 120
    silence_seconds: float = 60
    retries: int = 2
    failures_to_open: int = 10

    def of_provider(self, provider: Provider) -> Self:
        """These limits with those of one provider, which never exceed `ANSWER_SECONDS`."""
        return type(self)(
            connect_seconds=provider.connect_seconds or self.connect_seconds,
            first_token_seconds=min(provider.first_token_seconds or self.first_token_seconds, ANSWER_SECONDS),
            silence_seconds=min(provider.silence_seconds or self.silence_seconds, ANSWER_SECONDS),
            retries=self.retries,
            failures_to_open=self.failures_to_open,
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            connect_seconds=settings.provider_connect_seconds,
            first_token_seconds=settings.provider_first_token_seconds,
            silence_seconds=settings.provider_silence_seconds,
            retries=settings.provider_retries,
            failures_to_open=settings.provider_failures_to_open,
        )


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


class Pauses:
    """The pauses of one call of the gateway, over all routes: `Retry-After`, or growing with full jitter."""

    def __init__(self) -> None:
        self._left = PAUSES_SECONDS

    def next(self, retries: int, wait_seconds: float | None) -> float | None:
        # Seconds to wait before a retry, or None if that is too long.
        # Random, so that clients do not all retry at the same moment.
        pause = (
            random.uniform(wait_seconds, wait_seconds * (1 + _JITTER))  # noqa: S311
            if wait_seconds
            else random.uniform(0, FIRST_PAUSE_SECONDS * 2**retries)  # noqa: S311
        )
        if pause > self._left:
            return None
        self._left -= pause
        return pause


class ProviderBreaker:
    """The circuit breaker of a provider, in this process.

    It opens after a number of failures in a row, for a few seconds, and twice as long each time. Then one call is a
    probe. Any answer resets the count, and so does any event of a stream: a provider that serves some calls is not
    down. Failures of calls that began before it opened do not prolong it.
    """

    def __init__(
        self,
        failures_to_open: int,
        *,
        on_failure: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failures = 0
        self._on_failure = on_failure
        self._failures_to_open = failures_to_open
        self._clock = clock
        self._times_opened = 0
        self._open_until: float | None = None

    @property
    def open_seconds(self) -> float | None:
        return None if self._open_until is None else max(self._open_until - self._clock(), 0.0)

    def begin(self) -> "Attempt | None":
        if self._open_until is None:
            return Attempt(self, is_probe=False)
        now = self._clock()
        if now < self._open_until:
            return None
        self._open_until = now + PROBE_SECONDS
        return Attempt(self, is_probe=True)

    def close(self) -> None:
        self.failures = self._times_opened = 0
        self._open_until = None

    def fail(self, *, is_probe: bool) -> None:
        self._on_failure()
        self.failures += 1
        is_open = self._open_until is not None
        if is_probe if is_open else self.failures >= self._failures_to_open:
            self._open_until = self._clock() + min(FIRST_OPEN_SECONDS * 2**self._times_opened, MAX_OPEN_SECONDS)
            self._times_opened += 1

    def release_probe(self) -> None:
        # Make the next call a probe, because the last one was given up.
        if self._open_until is not None:
            self._open_until = min(self._open_until, self._clock())


@dataclass(slots=True)
class Attempt:
    """One call of a provider. It succeeds, fails, or is given up because the client disconnected."""

    breaker: ProviderBreaker
    is_probe: bool

    def succeeded(self) -> None:
        self.is_probe = False
        self.breaker.close()

    def failed(self) -> None:
        self.breaker.fail(is_probe=self.is_probe)

    def given_up(self) -> None:
        if self.is_probe:
            self.breaker.release_probe()
