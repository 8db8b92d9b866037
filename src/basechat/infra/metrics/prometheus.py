"""Metrics of this process in Prometheus's format."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from basechat.infra.metrics.counters import Counters


class MetricRule(NamedTuple):
    """Counters whose name matches `pattern` become one metric. The groups of the pattern are its labels."""

    pattern: str
    metric: str
    description: str


_CACHE = (
    MetricRule(
        r"cache\.(?P<layer>\w+)\.(?P<outcome>hit|miss|coalesced|bypassed|stored|error|unreadable)",
        "basechat_cache_requests",
        "Reads and writes.",
    ),
    MetricRule(r"cache\.(?P<layer>\w+)\.saved_seconds", "basechat_cache_saved_seconds", "Seconds that hits saved."),
    MetricRule(r"cache\.(?P<layer>\w+)\.saved_cost", "basechat_cache_saved_dollars", "US dollars that hits saved."),
)
_OTHERS = MetricRule(r"(?P<name>.+)", "basechat_events", "Other counters.")


class CountersCollector(Collector):
    """Converts the counters when Prometheus reads them, so that counting itself stays cheap."""

    def __init__(self, counters: Counters, rules: Sequence[MetricRule] = ()) -> None:
        """The first rule that matches applies."""
        self._counters = counters
        self._rules = [(re.compile(rule.pattern), rule) for rule in (*_CACHE, *rules, _OTHERS)]

    def collect(self) -> Iterator[CounterMetricFamily]:
        families: dict[str, CounterMetricFamily] = {}
        for name, value in sorted(self._counters.totals().items()):
            rule, labels = self._rule_for(name)
            family = families.setdefault(
                rule.metric, CounterMetricFamily(rule.metric, rule.description, labels=list(labels))
            )
            family.add_metric(list(labels.values()), value)
        yield from families.values()

    def _rule_for(self, name: str) -> tuple[MetricRule, dict[str, str]]:
        for pattern, rule in self._rules:
            if found := pattern.fullmatch(name):
                return rule, found.groupdict()
        raise ValueError(name)


def new_registry(counters: Counters, rules: Sequence[MetricRule] = ()) -> CollectorRegistry:
    # Registry of one process: its counters, and its memory, CPU and files.
    registry = CollectorRegistry()
    registry.register(CountersCollector(counters, rules))
    ProcessCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> bytes:
    return generate_latest(registry)
