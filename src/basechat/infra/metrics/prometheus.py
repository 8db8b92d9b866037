"""What this process has counted, in the names and labels that Prometheus's users expect."""

import re
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from basechat.infra.metrics.counters import Counters

_OUTCOMES = "hit|miss|coalesced|bypassed|stored|error|unreadable"

# The names of counters, with the labels as groups; the first that fits gives the metric.
_METRICS = (
    (
        rf"cache\.(?P<layer>\w+)\.(?P<outcome>{_OUTCOMES})",
        "basechat_cache_requests",
        "Reads and writes.",
    ),
    (
        r"cache\.(?P<layer>\w+)\.saved_seconds",
        "basechat_cache_saved_seconds",
        "Seconds that hits saved.",
    ),
    (r"cache\.(?P<layer>\w+)\.saved_cost", "basechat_cache_saved_dollars", "US dollars that hits saved."),
    (r"llm\.calls", "basechat_llm_calls", "Calls of the gateway."),
    (r"llm\.failures", "basechat_llm_failures", "Calls of the gateway that failed."),
    (r"llm\.tokens\.(?P<kind>\w+)", "basechat_llm_tokens", "Tokens, by whether they were read or written."),
    (r"llm\.cost", "basechat_llm_cost_dollars", "US dollars that providers charge, by their prices."),
    (r"llm\.provider\.(?P<provider>.+)\.calls", "basechat_llm_provider_calls", "Calls of a provider."),
    (
        r"llm\.provider\.(?P<provider>.+)\.failures",
        "basechat_llm_provider_failures",
        "Those that failed.",
    ),
    (r"(?P<name>.+)", "basechat_events", "Whatever else is counted."),
)
_COMPILED = tuple((re.compile(pattern), metric, text) for pattern, metric, text in _METRICS)


class CountersCollector(Collector):
    """Reads the counters whenever they are asked for, so that counting stays what it costs."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield every counter under its metric."""
        families: dict[str, CounterMetricFamily] = {}
        for name, value in sorted(self._counters.totals().items()):
            metric, text, labels = _described(name)
            family = families.setdefault(metric, CounterMetricFamily(metric, text, labels=list(labels)))
            family.add_metric(list(labels.values()), value)
        yield from families.values()


def new_registry(counters: Counters) -> CollectorRegistry:
    """Return a registry of one app: its counters, and its process's memory, CPU and files."""
    registry = CollectorRegistry()
    registry.register(CountersCollector(counters))
    ProcessCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> bytes:
    """Return all of a registry in Prometheus's text format."""
    return generate_latest(registry)


def _described(name: str) -> tuple[str, str, dict[str, str]]:
    for pattern, metric, text in _COMPILED:
        if found := pattern.fullmatch(name):
            return metric, text, found.groupdict()
    raise ValueError(name)
