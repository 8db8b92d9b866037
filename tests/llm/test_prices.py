"""What a call costs is exact, and known where the administrator, the provider's list or what was published says it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from basechat.llm.providers.prices import FREE, Price, parse_price, price_of

PRICE = Price(input=Decimal("0.25"), output=Decimal(2), cached_input=Decimal("0.025"))
COUNTS = st.integers(min_value=0, max_value=10_000_000)


def _price(kind: Any, model: str, *, told: Price | None = None, **declared: Price) -> Price | None:
    return price_of(kind, model, declared=declared, listed=told)


def test_a_call_costs_its_tokens() -> None:
    cost = PRICE.cost(prompt_tokens=1_000, cached_prompt_tokens=400, completion_tokens=7)
    assert cost == Decimal("0.000174")
    whole = Price(input=Decimal(3)).cost(prompt_tokens=1_000, cached_prompt_tokens=400, completion_tokens=0)
    assert whole == Decimal("0.003")  # without a price for cached tokens, they cost the same as the others


@given(COUNTS, COUNTS, COUNTS)
def test_no_fraction_of_a_cent_is_lost(prompt: int, cached: int, completion: int) -> None:
    cached = min(cached, prompt)
    cost = PRICE.cost(prompt_tokens=prompt, cached_prompt_tokens=cached, completion_tokens=completion)
    assert cost * 1_000_000_000 == (prompt - cached) * 250 + cached * 25 + completion * 2_000


def test_more_cached_tokens_than_there_are_cost_nothing_back() -> None:
    assert PRICE.cost(prompt_tokens=10, cached_prompt_tokens=99, completion_tokens=0) == Decimal("0.00000025")


def test_the_administrator_knows_best_then_the_provider_then_what_was_published() -> None:
    mine, told = Price(input=Decimal(7)), Price(input=Decimal(8))
    assert _price("openai", "gpt-5-mini", told=told, **{"gpt-5-mini": mine, "*": FREE}) == mine
    assert _price("openai", "gpt-5-mini", told=told, **{"*": FREE}) == FREE
    assert _price("openai", "gpt-5-mini", told=told) == told
    assert _price("openai", "gpt-5-mini") == PRICE
    assert _price("vllm", "any") == FREE
    assert _price("vllm", "any", any=mine) == mine


@pytest.mark.parametrize(
    ("kind", "model", "figures"),
    [
        ("openai", "gpt-4o-2024-08-06", ("2.5", "10", "1.25")),
        ("openai", "gpt-4o-2024-05-13", ("5", "15", None)),
        ("openai", "text-embedding-3-small", ("0.02", "0", None)),
        ("anthropic", "claude-haiku-4-5-20251001", ("1", "5", "0.1")),
        ("anthropic", "claude-opus-4-20250514", ("15", "75", "1.5")),
        ("anthropic", "claude-opus-4-5-20251101", ("5", "25", "0.5")),
    ],
)
def test_published_prices_are_by_family_with_its_dates(
    kind: str, model: str, figures: tuple[str, str, str | None]
) -> None:
    names = ("input", "output", "cached_input")
    assert _price(kind, model) == Price(
        **{name: each and Decimal(each) for name, each in zip(names, figures, strict=True)}
    )


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("openai", "gpt-5-pro"),
        ("openai", "gpt-4o-audio-preview"),
        ("openai", "my-gpt-4o"),
        ("anthropic", "claude-opus-9"),
        ("azure", "gpt-4o"),
        ("custom", "gpt-4o"),
    ],
)
def test_what_nobody_knows_has_no_price(kind: str, model: str) -> None:
    assert _price(kind, model) is None


def test_openrouter_tells_prices_per_token() -> None:
    told = parse_price(
        {"pricing": {"prompt": "0.00000025", "completion": "0.000002", "input_cache_read": "0.000000025"}}
    )
    assert told == PRICE


@pytest.mark.parametrize("pricing", [None, [], {}, {"prompt": "-1"}, {"prompt": "x"}, {"prompt": None}, {"prompt": []}])
def test_a_price_that_can_not_be_read_is_none(pricing: Any) -> None:
    assert parse_price({"pricing": pricing}) is None


def test_a_price_can_not_be_changed_or_less_than_nothing() -> None:
    price: Any = PRICE
    with pytest.raises(ValidationError):
        price.input = Decimal(0)
    with pytest.raises(ValidationError):
        Price(input=Decimal("-0.01"))
