"""A try that failed: what the client is told of it, and what may be done instead."""

import math
from collections.abc import Sequence
from enum import Enum

from basechat.llm.errors import GatewayError


class Remedy(Enum):
    """What helps against a failure."""

    RETRY = "the same again, after a pause"
    NEXT = "another provider"
    NONE = "another request"


# What OpenAI's and Anthropic's own clients try again (a 409 is a lock that was not got in time), and 425.
_PASSING = frozenset({408, 409, 425, 429})
# The request itself is wrong, or too long; whoever else is asked would read it the same. What is left (401, 402, 403,
# 404, 405, 410 …) is about this provider alone: our key there, our account, its list of models, its address.
_THE_REQUESTS_OWN = frozenset({400, 413, 414, 415, 422, 431})
SERVER_ERROR = 500  # and above


class Failure(Exception):
    """A try of one provider that failed before anything of its answer was given to anybody."""

    def __init__(
        self, error: GatewayError, remedy: Remedy, *, counts: bool = False, wait_seconds: float | None = None
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.remedy = remedy
        self.counts = counts
        """Whether the provider itself is in trouble: unreachable, silent, or broken."""
        self.wait_seconds = wait_seconds
        """How long the provider wants to be left alone, where it says so."""

    @property
    def may_pass(self) -> bool:
        """Whether the client may fare better by asking again later."""
        return self.error.status in _PASSING or self.error.status >= SERVER_ERROR


def remedy_for(status: int) -> Remedy:
    """Return what helps where a provider refuses with this status."""
    if status in _PASSING or status >= SERVER_ERROR:
        return Remedy.RETRY
    return Remedy.NONE if status in _THE_REQUESTS_OWN else Remedy.NEXT


def unreachable(name: str, remedy: Remedy) -> Failure:
    """The connection could not be made, or broke before an answer."""
    return Failure(GatewayError(502, f"The provider {name} can't be reached."), remedy, counts=True)


def late(name: str) -> Failure:
    """A provider that lets one wait that long would do so again: the next one is asked."""
    error = GatewayError(504, f"The provider {name} did not answer in time.", code="provider_silent")
    return Failure(error, Remedy.NEXT, counts=True)


def cut(name: str) -> Failure:
    """The answer ended before it had begun."""
    error = GatewayError(502, f"The answer of the provider {name} broke off.", code="provider_cut")
    return Failure(error, Remedy.RETRY, counts=True)


def garbled(name: str, what: str = "a text that is none") -> Failure:
    """The answer is none: a page of a proxy, an address that is no API. It would be the same again."""
    error = GatewayError(502, f"The answer of the provider {name} can't be read: {what}.", code="provider_garbled")
    return Failure(error, Remedy.NEXT, counts=True)


def unavailable(name: str, seconds: float) -> Failure:
    """The provider failed so often that it is left alone for a while."""
    wait = max(math.ceil(seconds), 1)
    error = GatewayError(
        503,
        f"The provider {name} failed repeatedly; it is asked again in {wait} s.",
        code="provider_unavailable",
        retry_after=str(wait),
    )
    return Failure(error, Remedy.NEXT)


def tell(failures: Sequence[Failure]) -> GatewayError:
    """Return what the client is told where every route failed: rather what may pass than what stays as it is."""
    return next((failure for failure in failures if failure.may_pass), failures[0]).error
