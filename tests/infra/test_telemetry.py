"""Spans at a collector: named as OpenTelemetry's conventions say, and no request fails or waits for them."""

import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.trace import NoOpTracer

from basechat.infra.telemetry import open_tracer
from basechat.llm.telemetry import CallSpan
from basechat.services import agent, backend
from tests.llm.gateway import COMPLETIONS, question
from tests.support.collectors import Collector, collector
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import Servers, serving
from tests.upstream import Upstream

SERVER, CLIENT = 2, 3
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
async def collecting() -> AsyncIterator[Collector]:
    """A collector that takes what it gets."""
    async with collector() as running:
        yield running


def _settings(servers: Servers, collecting: Collector, **changes: Any) -> Any:
    return servers.settings(otel_exporter_otlp_endpoint=collecting.url, **changes)


def _socket(servers: Servers) -> str:
    return f"{servers.folder}/t-{uuid4().hex[:8]}.sock"


async def test_requests_of_main_backend_are_spans(servers: Servers, person: Person, collecting: Collector) -> None:
    settings = _settings(servers, collecting, otel_exporter_otlp_headers="authorization=Bearer%20abc")
    chat_id = await person.chat()
    socket = _socket(servers)
    async with serving(backend.create_app(settings), socket), visitor(socket) as somebody:
        client = Person(somebody.http, person.token)
        assert (await client.get(f"/sessions/{chat_id}?q=secret", headers={"traceparent": TRACEPARENT})).status == 200
        assert (await client.get("/nothing/here")).status == 404
        assert (await client.get("/health/live")).status == 200
        assert (await client.get("/metrics")).status == 200
    known, unknown = await collecting.wait_for(2)
    assert (known.service, known.name, known.kind) == ("main-backend", "GET /sessions/{session_id}", SERVER)
    assert (known.trace, known.parent) == (TRACE, PARENT)
    assert known.attributes == known.attributes | {
        "http.request.method": "GET",
        "http.route": "/sessions/{session_id}",
        "http.response.status_code": 200,
        "url.path": f"/sessions/{chat_id}",
    }
    assert "secret" not in str(known)
    assert known.attributes["basechat.request_id"]
    assert (unknown.name, unknown.parent, unknown.attributes["http.response.status_code"]) == ("GET", "", 404)
    assert unknown.trace != TRACE
    assert len(collecting.spans) == 2
    assert collecting.headers[0]["authorization"] == "Bearer abc"


async def test_requests_of_llm_agent_are_spans(
    servers: Servers, person: Person, upstream: Upstream, collecting: Collector
) -> None:
    settings = _settings(servers, collecting, openai_base_url=upstream.base_url, openai_api_key="sk-x")
    socket = _socket(servers)
    async with serving(agent.create_app(settings), socket), visitor(socket) as somebody:
        client = Person(somebody.http, person.token)
        for streams in (True, False):
            reply = await client.post(COMPLETIONS, question(stream=streams))
            assert reply.status == 200, reply.body
    spans = [span for span in await collecting.wait_for(2) if span.kind == SERVER]
    assert [(span.service, span.name) for span in spans] == [("llm-agent", f"POST {COMPLETIONS}")] * 2


@pytest.mark.parametrize("weather", ["refuses", "stuck", "away"])
async def test_a_failing_collector_does_not_affect_requests(
    servers: Servers, person: Person, collecting: Collector, weather: str
) -> None:
    collecting.status, collecting.is_stuck = (503 if weather == "refuses" else 200), weather == "stuck"
    changes = {"otel_exporter_otlp_endpoint": "http://127.0.0.1:9"} if weather == "away" else {}
    settings = servers.settings(**({"otel_exporter_otlp_endpoint": collecting.url} | changes))
    socket = _socket(servers)
    async with serving(backend.create_app(settings), socket), visitor(socket) as somebody:
        client = Person(somebody.http, person.token)
        for _ in range(20):
            assert (await client.get("/auth/me")).status == 200
    assert collecting.spans == []


async def test_calls_of_providers_have_the_attributes_of_the_conventions(
    servers: Servers, collecting: Collector
) -> None:
    async with open_tracer(_settings(servers, collecting), "llm-agent") as tracer:
        with tracer.start_as_current_span("request"):
            call = CallSpan(
                tracer,
                operation="chat",
                provider="main",
                kind="gemini",
                model="gemini-2.5-flash",
                base_url="https://example.org/v1",
                stream=True,
            )
            call.note_first_token()
            call.end(model="gemini-2.5-flash-001", prompt_tokens=7, completion_tokens=3, finish_reasons=["stop"])
            failed = CallSpan(
                tracer, operation="embeddings", provider="x", kind="vllm", model="e5", base_url="http://127.0.0.1:8000"
            )
            failed.end(error="provider_cut")
    good, bad, request = await collecting.wait_for(3)
    assert (good.name, good.kind, good.parent, good.is_error) == ("chat gemini-2.5-flash", CLIENT, request.span, False)
    first = good.attributes.pop("gen_ai.response.time_to_first_chunk")
    assert 0 <= first < 60
    assert good.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gemini-2.5-flash-001",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "server.address": "example.org",
        "server.port": 443,
        "basechat.provider": "main",
    }
    assert (bad.name, bad.is_error, bad.attributes["error.type"]) == ("embeddings e5", True, "provider_cut")
    assert (bad.attributes["gen_ai.provider.name"], bad.attributes["server.port"]) == ("vllm", 8000)


async def test_without_a_collector_nothing_is_recorded(servers: Servers) -> None:
    async with open_tracer(servers.settings(), "llm-agent") as tracer:
        assert isinstance(tracer, NoOpTracer)
        call = CallSpan(tracer, operation="chat", provider="p", kind="openai", model="m", base_url="http://x/v1")
        call.note_first_token()
        call.end(prompt_tokens=1)


def test_without_a_collector_nothing_is_loaded() -> None:
    shown = _python(
        "import sys, basechat.services.serve;"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.exporter', 'google.protobuf'))])"
    )
    assert shown.stdout == "[]\n"


def test_a_missing_package_is_an_error_at_the_start() -> None:
    shown = _python(
        "import asyncio, sys; sys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None\n"
        "from basechat.infra.telemetry import open_tracer\n"
        "from basechat.kit.config import Settings\n"
        "settings = Settings(_env_file=None, secret_key='s' * 32, otel_exporter_otlp_endpoint='http://x')\n"
        "asyncio.run(open_tracer(settings, 'worker').__aenter__())"
    )
    assert "ConfigError: OTEL_EXPORTER_OTLP_ENDPOINT is set, but" in shown.stderr
    assert "pip install 'basechat[telemetry]'" in shown.stderr


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
