"""Prices and context windows of models: declared by an administrator, listed by the provider, or published."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from basechat.llm.providers.specs import SPECS, ProviderKind

EVERY_MODEL = "*"
_MILLION = Decimal(1_000_000)

Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=16, decimal_places=10)]


class Price(BaseModel):
    """US dollars per million tokens. Prompt tokens from the provider's cache cost `cached_input`, if it is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Dollars
    output: Dollars = Decimal(0)
    cached_input: Dollars | None = None

    def cost(self, *, prompt_tokens: int, cached_prompt_tokens: int, completion_tokens: int) -> Decimal:
        # Exact US dollars. The prompt tokens include the cached ones.
        cached = min(cached_prompt_tokens, prompt_tokens)
        cached_input = self.input if self.cached_input is None else self.cached_input
        spent = (prompt_tokens - cached) * self.input + cached * cached_input + completion_tokens * self.output
        return spent / _MILLION


FREE = Price(input=Decimal(0))


def price_of(kind: ProviderKind, model: str, *, declared: Mapping[str, Price], listed: Price | None) -> Price | None:
    price = declared.get(model) or declared.get(EVERY_MODEL)
    if price is None and SPECS[kind].is_local:
        return FREE
    return price or listed or _published(kind, model)


def parse_price(model: Mapping[str, Any]) -> Price | None:
    # OpenRouter lists prices per token.
    pricing = model.get("pricing")
    if not isinstance(pricing, dict):
        return None
    names = {"input": "prompt", "output": "completion", "cached_input": "input_cache_read"}
    try:
        return Price(**{name: Decimal(pricing[field]) * _MILLION for name, field in names.items() if field in pricing})
    except (ValidationError, ArithmeticError, TypeError, ValueError):
        return None


def _prices(**lines: str) -> Mapping[str, tuple[tuple[re.Pattern[str], Price], ...]]:
    """Read lines of `name input output [cached input]`; a name is a pattern, and may be followed by a date."""
    return {kind: tuple(_line(line) for line in filter(None, text.splitlines())) for kind, text in lines.items()}


def _line(line: str) -> tuple[re.Pattern[str], Price]:
    name, *figures = line.split()
    price = Price(**dict(zip(("input", "output", "cached_input"), map(Decimal, figures), strict=False)))
    return re.compile(rf"{name}(-\d{{4}}-\d\d-\d\d|-\d{{8}})?"), price


_PUBLISHED = _prices(
    openai=r"""
gpt-5(\.1)?(-chat-latest)? 1.25 10 0.125
gpt-5-mini 0.25 2 0.025
gpt-5-nano 0.05 0.4 0.005
gpt-4\.1 2 8 0.5
gpt-4\.1-mini 0.4 1.6 0.1
gpt-4\.1-nano 0.1 0.4 0.025
gpt-4o-2024-05-13 5 15
gpt-4o 2.5 10 1.25
gpt-4o-mini 0.15 0.6 0.075
chatgpt-4o-latest 5 15
o1 15 60 7.5
o1-mini 1.1 4.4 0.55
o3 2 8 0.5
o3-mini 1.1 4.4 0.55
o4-mini 1.1 4.4 0.275
gpt-4-turbo 10 30
gpt-4(-0613)? 30 60
gpt-3\.5-turbo(-0125)? 0.5 1.5
text-embedding-3-small 0.02
text-embedding-3-large 0.13
text-embedding-ada-002 0.1
""",
    anthropic=r"""
claude-opus-4-5 5 25 0.5
claude-opus-4(-0|-1)? 15 75 1.5
claude-sonnet-4(-0|-5)? 3 15 0.3
claude-haiku-4-5 1 5 0.1
claude-3-7-sonnet(-latest)? 3 15 0.3
claude-3-5-haiku(-latest)? 0.8 4 0.08
claude-3-haiku 0.25 1.25 0.03
""",
    gemini=r"""
gemini-2\.5-flash 0.3 2.5 0.03
gemini-2\.5-flash-lite 0.1 0.4 0.01
gemini-2\.0-flash(-001)? 0.1 0.4 0.025
""",
    mistral=r"""
mistral-large-2411 2 6
mistral-medium-25(05|08) 0.4 2
mistral-small-25(03|06) 0.1 0.3
codestral-25(01|08) 0.3 0.9
mistral-embed 0.1
""",
    groq=r"""
llama-3\.3-70b-versatile 0.59 0.79
llama-3\.1-8b-instant 0.05 0.08
""",
)


@lru_cache(maxsize=4096)
def _published(kind: ProviderKind, model: str) -> Price | None:
    return next((price for pattern, price in _PUBLISHED.get(kind, ()) if pattern.fullmatch(model)), None)


# vLLM, OpenRouter and Together, Groq, Mistral; llama.cpp lists the window of one slot, older versions the trained one.
_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")
_LLAMA_FIELDS = ("n_ctx", "n_ctx_train")
_SENSIBLE = range(512, 100_000_000)

# Families whose makers serve them under these names, in lists without windows. Of GPT-5's 400,000 tokens the prompt may
# have no more than this number.
_FAMILIES: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (re.compile(rf"(?:.*/)?(?:{pattern})"), window)
    for pattern, window in (
        (r"gpt-5", 272_000),
        (r"gpt-4\.1", 1_047_576),
        (r"(chat)?gpt-4o|gpt-4-turbo|o1-mini|o1-preview", 128_000),
        (r"gpt-4-32k", 32_768),
        (r"gpt-4", 8_192),
        (r"gpt-3\.5", 16_385),
        (r"o[134](-|$)", 200_000),
        (r"claude-", 200_000),
        (r"gemini-", 1_000_000),
        (r"deepseek-(chat|reasoner)", 128_000),
        (r"grok-", 131_072),
    )
)


def parse_window(model: Mapping[str, Any]) -> int | None:
    meta = model.get("meta")
    windows = [model.get(name) for name in _FIELDS] + [
        meta.get(name) for name in _LLAMA_FIELDS if isinstance(meta, dict)
    ]
    return next((window for window in windows if isinstance(window, int) and window in _SENSIBLE), None)


def window_of(name: str, *, listed: int | None, declared: int | None, default: int) -> int:
    # The declared window is an upper bound of the listed one.
    if listed is not None or declared is not None:
        return min(window for window in (listed, declared) if window is not None)
    return next((window for pattern, window in _FAMILIES if pattern.match(name)), default)
