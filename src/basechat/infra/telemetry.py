"""OpenTelemetry: the tracer, which exports OTLP over HTTP from its own thread, and one span per HTTP request.

Without a collector no span is recorded and the SDK is not loaded.
"""

import asyncio
import importlib
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry.trace import NoOpTracer, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from basechat import __version__
from basechat.kit.config import ConfigError, Settings

log = logging.getLogger(__name__)

_SCOPE = "basechat"
_EXPORT_SECONDS = 5.0
_SHUTDOWN_SECONDS = 3.0
_PROPAGATOR = TraceContextTextMapPropagator()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WITHOUT_SPANS = ("/health", "/metrics")


@asynccontextmanager
async def open_tracer(settings: Settings, service: str) -> AsyncIterator[Tracer]:
    """Open the tracer of a service. It records nothing unless OTEL_EXPORTER_OTLP_ENDPOINT is set.

    Spans wait in a bounded queue. They are dropped when the queue is full or the collector refuses them. Requests never
    wait for them.
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
    """Create the SDK's provider. The SDK takes time and memory, so it is imported only where spans are exported."""
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
    """Send the queued spans within a bounded time. If the collector hangs, the thread is abandoned."""
    thread = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
    thread.start()
    await asyncio.to_thread(thread.join, _SHUTDOWN_SECONDS)
    if thread.is_alive():
        log.warning("the last spans could not be sent in time")


class ServerSpans:
    """ASGI middleware: one span per request, in the trace of the request's `traceparent` (W3C Trace Context).

    It reads the tracer from the app's resources, and the request's id, if `RequestContext` has set one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_WITHOUT_SPANS):
            await self.app(scope, receive, send)
            return
        tracer: Tracer = scope["app"].state.resources.tracer
        with tracer.start_as_current_span(
            _method(scope),
            context=_PROPAGATOR.extract(Headers(scope=scope)),
            kind=SpanKind.SERVER,
            attributes=_attributes(scope),
        ) as span:

            async def send_and_record(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _set_status(span, message["status"])
                await send(message)

            try:
                await self.app(scope, receive, send_and_record)
            finally:
                _set_route(span, scope)


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "_OTHER"


def _attributes(scope: Scope) -> Mapping[str, str]:
    """Attributes of the request, without the query, which may contain what people search for."""
    state: Mapping[str, Any] = scope.get("state", {})
    attributes = {"http.request.method": _method(scope), "url.path": scope["path"], "url.scheme": scope["scheme"]}
    return attributes | ({"basechat.request_id": state["request_id"]} if "request_id" in state else {})


def _set_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def _set_route(span: Span, scope: Scope) -> None:
    """Name the span by its route. There are few routes; a path without parameters is its own route."""
    route = getattr(scope.get("route"), "path", None)
    if route is None and "endpoint" in scope and not scope.get("path_params"):
        route = scope["path"]
    if route is not None:
        span.set_attribute("http.route", route)
        span.update_name(f"{_method(scope)} {route}")
