"""Opens what spans are made with and sent by, OTLP over HTTP, from a thread beside the event loop."""

import asyncio
import importlib
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry.trace import NoOpTracer, Tracer
from opentelemetry.util.re import parse_env_headers

from basechat import __version__
from basechat.kit.config import ConfigError, Settings

log = logging.getLogger(__name__)

_SCOPE = "basechat"
_EXPORT_SECONDS = 5.0
_LAST_SECONDS = 3.0


@asynccontextmanager
async def open_tracer(settings: Settings, service: str) -> AsyncIterator[Tracer]:
    """Open the tracer of a service: one that records nothing unless OTEL_EXPORTER_OTLP_ENDPOINT is set.

    Spans wait in a bounded queue; beyond it, and where the collector does not take them, they are dropped. No request
    ever waits for them.
    """
    if settings.otel_exporter_otlp_endpoint is None:
        yield NoOpTracer()
        return
    try:
        provider = _provider(settings, service)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but {error.name} is missing: pip install 'basechat[telemetry]'"
        ) from None
    try:
        yield provider.get_tracer(_SCOPE, __version__)
    finally:
        await _shut_down(provider)


def _provider(settings: Settings, service: str) -> Any:
    """Return the SDK's provider; it takes time and memory, so it is loaded by whoever wants spans alone."""
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    resources = importlib.import_module("opentelemetry.sdk.resources")
    otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    named = {"service.name": service, "service.namespace": "basechat", "service.version": __version__}
    provider = sdk.TracerProvider(resource=resources.Resource.create(named), shutdown_on_exit=False)
    headers = settings.otel_exporter_otlp_headers
    exporter = otlp.OTLPSpanExporter(
        endpoint=f"{(settings.otel_exporter_otlp_endpoint or '').rstrip('/')}/v1/traces",
        headers=parse_env_headers(headers.get_secret_value(), liberal=True) if headers else None,
        timeout=_EXPORT_SECONDS,
    )
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    return provider


async def _shut_down(provider: Any) -> None:
    """Send what waits, for as long as there is: the thread is left behind where the collector hangs."""
    last = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
    last.start()
    await asyncio.to_thread(last.join, _LAST_SECONDS)
    if last.is_alive():
        log.warning("the last spans could not be sent in time")
