"""How many tokens a model takes at once: as its provider lists it, as the administrator says, as its family has it."""

import re
from collections.abc import Mapping
from typing import Any

# vLLM, OpenRouter and Together, Groq, Mistral; llama.cpp tells the window of one slot, and older ones the trained one.
_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")
_LLAMA_FIELDS = ("n_ctx", "n_ctx_train")
_SENSIBLE = range(512, 100_000_000)

# Families that are served under these names by whoever makes them, and whose lists do not tell. Of GPT-5's 400,000
# tokens no more than these may be in the prompt.
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


def told_window(model: Mapping[str, Any]) -> int | None:
    """Return the window that a provider's list tells of a model."""
    meta = model.get("meta")
    told = [model.get(name) for name in _FIELDS] + [meta.get(name) for name in _LLAMA_FIELDS if isinstance(meta, dict)]
    return next((window for window in told if isinstance(window, int) and window in _SENSIBLE), None)


def window_of(name: str, *, told: int | None, declared: int | None, default: int) -> int:
    """Return a model's window; what the administrator declares bounds what the provider tells."""
    if told is not None or declared is not None:
        return min(window for window in (told, declared) if window is not None)
    return next((window for pattern, window in _FAMILIES if pattern.match(name)), default)
