"""Rate limit headers as OpenAI sends them, and the errors of calls beyond a limit."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Literal

from basechat.llm.errors import GatewayError
from basechat.llm.metering.limits import MINUTE_UNITS, Counter, format_dollars

Unit = Literal["requests", "tokens", "cost"]
Level = int | None

_HOLDERS = {"all": "everybody's together", "user": "yours", "token": "this API token's"}


def rate_headers(buckets: Sequence[Counter], levels: Sequence[Level]) -> dict[str, str]:
    """`x-ratelimit-*` of the bucket with the least left. `levels` are pairs of requests and tokens."""
    headers: dict[str, str] = {}
    for at, unit in enumerate(("requests", "tokens")):
        known = [
            (left, bound)
            for number, bucket in enumerate(buckets)
            if (bound := (bucket.requests, bucket.tokens)[at]) is not None
            and (left := levels[2 * number + at]) is not None
        ]
        if known:
            left, bound = min(known)
            headers[f"x-ratelimit-limit-{unit}"] = str(bound)
            headers[f"x-ratelimit-remaining-{unit}"] = str(max(left // MINUTE_UNITS, 0))
            headers[f"x-ratelimit-reset-{unit}"] = format_duration(ceil((bound * MINUTE_UNITS - left) / bound))
    return headers


def format_duration(ms: int) -> str:
    """A duration as OpenAI writes it: `250ms`, `8.64s`, `6m0s`."""
    if ms < 1000:
        return f"{max(ms, 0)}ms"
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{seconds}s"


def refusal(
    counter: Counter, unit: Unit, level: int, wait_ms: int, wanted: int, headers: Mapping[str, str]
) -> GatewayError:
    """The error of a call beyond a limit. `level` is what a window has used, or what a bucket has left."""
    if counter.is_bucket:
        return _rate_limited(counter, unit, level, wait_ms, wanted, headers)
    return _budget_exceeded(counter, unit, level, wanted, headers)


def model_without_price(model: str) -> GatewayError:
    return GatewayError(
        403,
        f"The model {model!r} has no known price, and your budget is in US dollars. Use another model, or let an"
        " administrator set the price (0 for a free model).",
        code="model_without_price",
        param="model",
    )


def budget_unknown() -> GatewayError:
    # The error of a call while its budget can't be read from Redis or PostgreSQL.
    return GatewayError(
        503, "Your budget can't be read at the moment. Try again soon.", code="budget_unknown", retry_after="5"
    )


def _rate_limited(
    counter: Counter, unit: Unit, left: int, wait_ms: int, wanted: int, headers: Mapping[str, str]
) -> GatewayError:
    bound = counter.requests if unit == "requests" else counter.tokens
    holder = _HOLDERS[counter.applied.limit.subject]
    if unit == "tokens" and wanted > (bound or 0):
        message = (
            f"This request is too large for the limit of {bound:,} tokens per minute ({holder}): it may use"
            f" {wanted:,}. Send less, or a smaller `max_tokens`."
        )
    else:
        message = (
            f"The limit of {bound:,} {unit} per minute ({holder}) is reached: {max(left // MINUTE_UNITS, 0):,} left."
            f" Try again in {format_duration(wait_ms)}."
        )
    seconds = max(ceil(wait_ms / 1000), 1)
    return GatewayError(429, message, code="rate_limit_exceeded", retry_after=str(seconds), headers=headers)


def _budget_exceeded(counter: Counter, unit: Unit, used: int, wanted: int, headers: Mapping[str, str]) -> GatewayError:
    holder = _HOLDERS[counter.applied.limit.subject]
    bound = (counter.cost if unit == "cost" else counter.tokens) or 0
    amount: Callable[[int], str] = format_dollars if unit == "cost" else "{:,} tokens".format
    message = (
        f"The budget of {amount(bound)} per {counter.period} ({holder}) is too small: {amount(max(bound - used, 0))}"
        f" are left, and this request may use {amount(wanted)}. The budget resets at {counter.ends:%Y-%m-%d %H:%M} UTC."
    )
    seconds = max(ceil((counter.ends - datetime.now(UTC)).total_seconds()), 1)
    return GatewayError(
        429,
        message,
        code="insufficient_quota",
        retry_after=str(seconds),
        headers={**headers, "x-should-retry": "false"},
    )
