"""Pauses before the same provider is asked again: as long as it says, else growing, with full jitter."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_SECONDS = 0.5
PAUSES_SECONDS = 8.0  # in all: a client should hear of it while it still cares
_JITTER = 0.1


class Pauses:
    """The pauses of one client's call, over all its tries."""

    def __init__(self) -> None:
        self._left = PAUSES_SECONDS

    def next(self, retries: int, told: float | None) -> float | None:
        """Return how many seconds to wait before a retry, the first being 0, or None where that is too long."""
        # Chance, so that not all come back in one moment.
        pause = random.uniform(told, told * (1 + _JITTER)) if told else random.uniform(0, FIRST_SECONDS * 2**retries)  # noqa: S311
        if pause > self._left:
            return None
        self._left -= pause
        return pause


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds a provider wants to be left alone; None where it does not say."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    seconds = _number(said)
    return seconds if seconds is not None or said is None else _until(said)


def may_retry(headers: Mapping[str, str]) -> bool | None:
    """Return what OpenAI's servers say outright; None where they don't."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").lower())


def _number(said: str | None) -> float | None:
    try:
        number = float(said or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # `-0000`, which says that the zone is not known
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
