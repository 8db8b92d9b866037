"""One span per request, named as OpenTelemetry's conventions for HTTP say."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PROPAGATOR = TraceContextTextMapPropagator()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNSEEN = ("/health", "/metrics")


class ServerSpans:
    """ASGI middleware; a `traceparent` that comes with a request (W3C Trace Context) makes its span part of that trace.

    It wants the app's resources, and the request's id if there is to be one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"].startswith(_UNSEEN):
            await self.app(scope, receive, send)
            return
        tracer: Tracer = scope["app"].state.resources.tracer
        with tracer.start_as_current_span(
            _method(scope),
            context=_PROPAGATOR.extract(Headers(scope=scope)),
            kind=SpanKind.SERVER,
            attributes=_asked(scope),
        ) as span:

            async def send_and_note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _note_status(span, message["status"])
                await send(message)

            try:
                await self.app(scope, receive, send_and_note)
            finally:
                _note_route(span, scope)


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "_OTHER"


def _asked(scope: Scope) -> Mapping[str, str]:
    """Return what is known at once; not the query, which may hold what people search for."""
    state: Mapping[str, Any] = scope.get("state", {})
    asked = {"http.request.method": _method(scope), "url.path": scope["path"], "url.scheme": scope["scheme"]}
    return asked | ({"basechat.request_id": state["request_id"]} if "request_id" in state else {})


def _note_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def _note_route(span: Span, scope: Scope) -> None:
    """Name the span by its route, of which there are few. A path without parameters is its own."""
    route = getattr(scope.get("route"), "path", None)
    if route is None and "endpoint" in scope and not scope.get("path_params"):
        route = scope["path"]
    if route is not None:
        span.set_attribute("http.route", route)
        span.update_name(f"{_method(scope)} {route}")
