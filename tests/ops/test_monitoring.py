"""`/metrics` of every service, as Prometheus reads it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from basechat.infra.metrics.counters import Counters
from basechat.infra.metrics.prometheus import exposition, new_registry
from basechat.llm.metrics import METRIC_RULES
from basechat.llm.telemetry import Timings
from tests.support.own import visitor
from tests.support.stack import Stack


def _samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.parametrize("service", ["main-backend", "llm-agent", "mcp-server", "worker"])
async def test_every_service_exports_its_counters(stack: Stack, service: str) -> None:
    stack.resources.counters.add("cache.llm.hit")
    async with visitor(stack.socket(service)) as prometheus:
        reply = await prometheus.get("/metrics")
        head = await prometheus.ask("HEAD", "/metrics")
    assert (reply.status, head.status, head.body) == (200, 200, b"")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    samples = _samples(reply.body.decode())
    assert samples["process_resident_memory_bytes", ()] > 10_000_000
    hits = samples.get(("basechat_cache_requests_total", (("layer", "llm"), ("outcome", "hit"))), 0)
    assert hits >= 1 or service != "main-backend"


def test_counters_have_the_names_and_labels_of_prometheus() -> None:
    counters = Counters()
    counted = {
        "cache.mcp.unreadable": ("basechat_cache_requests_total", (("layer", "mcp"), ("outcome", "unreadable"))),
        "cache.llm.saved_seconds": ("basechat_cache_saved_seconds_total", (("layer", "llm"),)),
        "cache.llm.saved_cost": ("basechat_cache_saved_dollars_total", (("layer", "llm"),)),
        "llm.calls": ("basechat_llm_calls_total", ()),
        "llm.failures": ("basechat_llm_failures_total", ()),
        "llm.tokens.prompt": ("basechat_llm_tokens_total", (("kind", "prompt"),)),
        "llm.tokens.completion": ("basechat_llm_tokens_total", (("kind", "completion"),)),
        "llm.cost": ("basechat_llm_cost_dollars_total", ()),
        "llm.provider.my.own.calls": ("basechat_llm_provider_calls_total", (("provider", "my.own"),)),
        'llm.provider.a"b\\c.failures': ("basechat_llm_provider_failures_total", (("provider", 'a"b\\c'),)),
        "something.else": ("basechat_events_total", (("name", "something.else"),)),
    }
    for number, name in enumerate(counted, start=1):
        counters.add(name, number)
    samples = _samples(exposition(new_registry(counters, METRIC_RULES)).decode())
    assert [samples[key] for key in counted.values()] == list(range(1, len(counted) + 1))


def test_times_are_histograms_by_provider() -> None:
    registry = new_registry(Counters())
    timings = Timings(registry)
    for seconds in (0.02, 0.3, 3):
        timings.first_token("openai", seconds)
    timings.overhead("ollama", 0.0012)
    samples = _samples(exposition(registry).decode())
    assert samples["basechat_llm_first_token_seconds_count", (("provider", "openai"),)] == 3
    assert samples["basechat_llm_first_token_seconds_bucket", (("le", "0.35"), ("provider", "openai"))] == 2
    assert samples["basechat_llm_overhead_seconds_bucket", (("le", "0.0015"), ("provider", "ollama"))] == 1
    assert samples["basechat_llm_overhead_seconds_sum", (("provider", "ollama"),)] == pytest.approx(0.0012)
