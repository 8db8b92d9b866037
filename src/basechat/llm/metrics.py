"""Prometheus's names for the counters of the gateway."""

from basechat.infra.metrics.prometheus import MetricRule

METRIC_RULES = (
    MetricRule(r"llm\.calls", "basechat_llm_calls", "Calls of the gateway."),
    MetricRule(r"llm\.failures", "basechat_llm_failures", "Calls of the gateway that failed."),
    MetricRule(r"llm\.tokens\.(?P<kind>\w+)", "basechat_llm_tokens", "Tokens, by whether they were read or written."),
    MetricRule(r"llm\.cost", "basechat_llm_cost_dollars", "US dollars that providers charge, by their prices."),
    MetricRule(r"llm\.provider\.(?P<provider>.+)\.calls", "basechat_llm_provider_calls", "Calls of a provider."),
    MetricRule(
        r"llm\.provider\.(?P<provider>.+)\.failures",
        "basechat_llm_provider_failures",
        "Calls of a provider that failed.",
    ),
)
