"""Calls of providers observed: histograms, and spans with OpenTelemetry's attributes for generative AI."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind, StatusCode, Tracer
from prometheus_client import CollectorRegistry, Histogram

from basechat.llm.errors import GatewayError
from basechat.llm.metering.call import Call
from basechat.llm.providers.catalogue import Route

_FIRST_TOKEN = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20, 40, 80)
_OVERHEAD = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.5)

_WELL_KNOWN: Mapping[str, str] = {"azure": "azure.ai.openai", "gemini": "gcp.gemini", "mistral": "mistral_ai"}
"""Kinds of providers with another name in the conventions."""


class Timings:
    """Histograms of this process. An observation takes about 2 µs, and no client waits for it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._first_token = Histogram(
            "basechat_llm_first_token_seconds",
            "Seconds from a call's arrival to the first token of its answer.",
            ["provider"],
            buckets=_FIRST_TOKEN,
            registry=registry,
        )
        self._overhead = Histogram(
            "basechat_llm_overhead_seconds",
            "Seconds of a call that the gateway itself took, before the provider was called.",
            ["provider"],
            buckets=_OVERHEAD,
            registry=registry,
        )

    def first_token(self, provider: str, seconds: float) -> None:
        self._first_token.labels(provider).observe(seconds)

    def overhead(self, provider: str, seconds: float) -> None:
        self._overhead.labels(provider).observe(seconds)


class CallSpan:
    """A client span below the current span. It does not become the current span, and contains no text of the call."""

    def __init__(
        self,
        tracer: Tracer,
        *,
        operation: Literal["chat", "embeddings"],
        provider: str,
        kind: str,
        model: str,
        base_url: str,
        stream: bool = False,
    ) -> None:
        """Begin the span. `provider` is the configured name, `kind` its kind, such as `openai`."""
        self._began = time.perf_counter()
        self._span = tracer.start_span(f"{operation} {model}", kind=SpanKind.CLIENT)
        if self._span.is_recording():
            address = urlsplit(base_url)
            self._span.set_attributes(
                {
                    "gen_ai.operation.name": operation,
                    "gen_ai.provider.name": _WELL_KNOWN.get(kind, kind),
                    "gen_ai.request.model": model,
                    "gen_ai.request.stream": stream,
                    "server.address": address.hostname or "",
                    "server.port": address.port or (443 if address.scheme == "https" else 80),
                    "basechat.provider": provider,
                }
            )

    def note_first_token(self) -> None:
        self._span.set_attribute("gen_ai.response.time_to_first_chunk", time.perf_counter() - self._began)

    def end(
        self,
        *,
        model: str | None = None,
        prompt_tokens: int | None = None,
        cached_prompt_tokens: int | None = None,
        completion_tokens: int | None = None,
        finish_reasons: Sequence[str] = (),
        error: str | None = None,
    ) -> None:
        """End the span; `error` is a stable code or a status such as `429`."""
        known = {
            "gen_ai.response.model": model,
            "gen_ai.usage.input_tokens": prompt_tokens,
            "gen_ai.usage.cache_read.input_tokens": cached_prompt_tokens,
            "gen_ai.usage.output_tokens": completion_tokens,
            "gen_ai.response.finish_reasons": tuple(finish_reasons) or None,
            "error.type": error,
        }
        self._span.set_attributes({name: value for name, value in known.items() if value is not None})
        if error is not None:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


@contextmanager
def traced(tracer: Tracer, call: Call, route: Route, *, stream: bool) -> Iterator[CallSpan]:
    """Trace a chat completion. The span ends with the tokens of `call`, and with the error, if any."""
    span = CallSpan(
        tracer,
        operation="chat",
        provider=route.provider.name,
        kind=route.provider.kind,
        model=route.model,
        base_url=route.provider.base_url,
        stream=stream,
    )
    error: str | None = "cancelled"
    try:
        yield span
        error = None
    except GatewayError as refusal:
        error = refusal.code or str(refusal.status)
        raise
    finally:
        span.end(
            model=call.model,
            prompt_tokens=call.prompt_tokens,
            cached_prompt_tokens=call.cached_prompt_tokens,
            completion_tokens=call.completion_tokens,
            error=error,
        )
