"""A circuit breaker per provider: one that fails again and again is left alone for a while, in this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 60.0
PROBE_SECONDS = 10.0  # a probe that takes longer keeps others from trying no more


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """How a provider fares: its failures in a row, and in how many seconds it is asked again if it is left alone."""

    failures: int
    asked_again_in: float | None


class Breaker:
    """Opens after so many failures in a row, for a few seconds, twice as long each time; then one call is a probe.

    Any answer, and any further piece of an answer that is still coming, begins the row anew: who serves some is not
    down. Failures of calls that had begun before it opened don't prolong it.
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
        self._spells = 0
        self._shut_until: float | None = None

    @property
    def state(self) -> ProviderState:
        """How the provider fares now."""
        shut_until = self._shut_until
        wait = None if shut_until is None else max(shut_until - self._clock(), 0.0)
        return ProviderState(failures=self.failures, asked_again_in=wait)

    def begin(self) -> "Try | None":
        """Let a call be made, or return None where the provider is left alone."""
        if self._shut_until is None:
            return Try(self, is_probe=False)
        now = self._clock()
        if now < self._shut_until:
            return None
        self._shut_until = now + PROBE_SECONDS
        return Try(self, is_probe=True)

    def close(self) -> None:
        """Note that the provider answers."""
        self.failures = self._spells = 0
        self._shut_until = None

    def fail(self, *, is_probe: bool) -> None:
        """Note that it does not."""
        self._on_failure()
        self.failures += 1
        is_shut = self._shut_until is not None
        if is_probe if is_shut else self.failures >= self._failures_to_open:
            self._shut_until = self._clock() + min(FIRST_SECONDS * 2**self._spells, LONGEST_SECONDS)
            self._spells += 1

    def let_go(self) -> None:
        """Note that a probe was given up before its end: the next call is one."""
        if self._shut_until is not None:
            self._shut_until = min(self._shut_until, self._clock())


@dataclass(slots=True)
class Try:
    """One call of a provider, which ends well, badly, or undecided because the client left."""

    breaker: Breaker
    is_probe: bool

    def succeeded(self) -> None:
        """The provider answers, be it with the refusal of a request."""
        self.is_probe = False
        self.breaker.close()

    def failed(self) -> None:
        """The provider is in trouble."""
        self.breaker.fail(is_probe=self.is_probe)

    def given_up(self) -> None:
        """Nobody waits any longer."""
        if self.is_probe:
            self.breaker.let_go()
