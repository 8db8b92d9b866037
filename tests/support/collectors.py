"""An OpenTelemetry collector on loopback that keeps what it receives (OTLP over HTTP)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.waiting import until


@dataclass(frozen=True, slots=True, kw_only=True)
class SentSpan:
    """One received span."""

    service: str
    name: str
    kind: int
    trace: str
    span: str
    parent: str
    is_error: bool
    attributes: dict[str, Any]


@dataclass(slots=True)
class Collector:
    """Keeps spans. `status` refuses them, `is_stuck` leaves them unanswered."""

    url: str = ""
    status: int = 200
    is_stuck: bool = False
    spans: list[SentSpan] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for(self, number: int) -> list[SentSpan]:
        """Wait until there are so many spans."""

        async def are_there() -> bool:
            return len(self.spans) >= number

        await until(are_there)
        return self.spans

    async def take(self, request: web.Request) -> web.Response:
        """Answer one export."""
        self.asked.set()
        body = await request.read()
        if self.is_stuck:
            await asyncio.sleep(60)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.status == 200:
            self.spans += _read(ExportTraceServiceRequest.FromString(body))
        return web.Response(status=self.status, content_type="application/x-protobuf")


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Run a collector."""
    running = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", running.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        running.url = f"http://{host}:{port}"
        yield running
    finally:
        await runner.cleanup()


def _read(request: Any) -> list[SentSpan]:
    return [
        SentSpan(
            service=_values(group.resource.attributes)["service.name"],
            name=span.name,
            kind=span.kind,
            trace=span.trace_id.hex(),
            span=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            is_error=span.status.code == 2,
            attributes=_values(span.attributes),
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(each) for each in value.array_value.values] if kind == "array_value" else getattr(value, kind)
