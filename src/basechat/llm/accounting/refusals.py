"""What a caller is told of limits: headers as OpenAI's on every answer, and refusals that say which, and until when."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any, Literal

from basechat.llm.accounting.counters import MINUTE_UNITS, Counter
from basechat.llm.accounting.money import tell_dollars
from basechat.llm.errors import GatewayError

What = Literal["requests", "tokens", "cost"]
Level = int | None

_WHOSE = {"all": "everybody's together", "user": "yours", "token": "this API token's"}


def rate_headers(buckets: Sequence[Counter], levels: Sequence[Level]) -> dict[str, str]:
    """Return `x-ratelimit-*` of the bucket of each kind that has least left; `levels` are pairs, as scripts tell."""
    headers: dict[str, str] = {}
    for at, kind in enumerate(("requests", "tokens")):
        known = [
            (left, bound)
            for number, bucket in enumerate(buckets)
            if (bound := (bucket.requests, bucket.tokens)[at]) is not None
            and (left := levels[2 * number + at]) is not None
        ]
        if known:
            left, bound = min(known)
            headers[f"x-ratelimit-limit-{kind}"] = str(bound)
            headers[f"x-ratelimit-remaining-{kind}"] = str(max(left // MINUTE_UNITS, 0))
            headers[f"x-ratelimit-reset-{kind}"] = tell_duration(ceil((bound * MINUTE_UNITS - left) / bound))
    return headers


def tell_duration(ms: int) -> str:
    """Return a time as OpenAI writes it: `250ms`, `8.64s`, `6m0s`."""
    if ms < 1000:
        return f"{max(ms, 0)}ms"
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{seconds}s"


def refusal(
    counter: Counter, what: What, had: int, wait_ms: int, wanted: int, headers: Mapping[str, str] | None = None
) -> GatewayError:
    """Return the refusal of a call that found too little left; `had` and `wanted` are in what the counter counts in."""
    if counter.is_bucket:
        return _too_fast(counter, what, had, wait_ms, wanted, headers or {})
    return _used_up(counter, what, had, wanted, headers or {})


def model_without_price(model: str) -> GatewayError:
    """Return the refusal of a model that a budget of money can't count."""
    return GatewayError(
        403,
        f"The model {model!r} has no known price, and your budget is in US dollars. An administrator can set its price"
        " (0 where it costs nothing), or you choose another model.",
        code="model_without_price",
        param="model",
    )


def _too_fast(
    counter: Counter, what: What, had: int, wait_ms: int, wanted: int, headers: Mapping[str, str]
) -> GatewayError:
    bound = counter.requests if what == "requests" else counter.tokens
    whose = _WHOSE[counter.applied.limit.subject]
    if what == "tokens" and wanted > (bound or 0):
        message = (
            f"This request is too large for the limit of {bound:,} tokens per minute ({whose}): it may take"
            f" {wanted:,}. Send less, or a smaller `max_tokens`."
        )
    else:
        message = (
            f"The limit of {bound:,} {what} per minute ({whose}) is reached: {max(had // MINUTE_UNITS, 0):,} left."
            f" Try again in {tell_duration(wait_ms)}."
        )
    seconds = max(ceil(wait_ms / 1000), 1)
    return GatewayError(429, message, code="rate_limit_exceeded", retry_after=str(seconds), headers=headers)


def _used_up(counter: Counter, what: What, had: int, wanted: int, headers: Mapping[str, str]) -> GatewayError:
    whose = _WHOSE[counter.applied.limit.subject]
    bound = (counter.cost if what == "cost" else counter.tokens) or 0
    tell: Any = tell_dollars if what == "cost" else "{:,} tokens".format
    message = (
        f"The budget of {tell(bound)} per {counter.period} ({whose}) does not suffice: {tell(max(bound - had, 0))} of"
        f" it are left, this request may take {tell(wanted)}. It is full again at {counter.ends:%Y-%m-%d %H:%M} UTC."
    )
    seconds = max(ceil((counter.ends - datetime.now(UTC)).total_seconds()), 1)
    return GatewayError(
        429,
        message,
        code="insufficient_quota",
        retry_after=str(seconds),
        headers={**headers, "x-should-retry": "false"},
    )
