"""How long the gateway and its providers take, as histograms of this process."""

from prometheus_client import CollectorRegistry, Histogram

_FIRST_TOKEN = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20, 40, 80)
_OVERHEAD = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.5)


class Timings:
    """Observes what Prometheus reads. An observation costs about 2 µs, and nothing waits for it."""

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
            "Seconds of a call that were the gateway's own, before the provider was asked and after it answered.",
            ["provider"],
            buckets=_OVERHEAD,
            registry=registry,
        )

    def first_token(self, provider: str, seconds: float) -> None:
        """Observe how long it took until a client got the first token."""
        self._first_token.labels(provider).observe(seconds)

    def overhead(self, provider: str, seconds: float) -> None:
        """Observe how much of a call was the gateway's own."""
        self._overhead.labels(provider).observe(seconds)
