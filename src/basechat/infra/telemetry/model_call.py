"""The span of one call of a provider, with the attributes of OpenTelemetry's conventions for generative AI."""

import time
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind, StatusCode, Tracer

_WELL_KNOWN: Mapping[str, str] = {"azure": "azure.ai.openai", "gemini": "gcp.gemini", "mistral": "mistral_ai"}
"""What the conventions call kinds of providers that we call otherwise."""


class ModelCall:
    """A client span below the present one. It neither becomes the present span nor holds any text of the call."""

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
        """Begin the span: `provider` is its configured name, `kind` what it is, like `openai`."""
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

    def began_to_answer(self) -> None:
        """Note the first token of a stream."""
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
        """End the span with what is known of the answer; `error` is a stable code or a status like `429`."""
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
