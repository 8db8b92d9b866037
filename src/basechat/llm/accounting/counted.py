"""What calls add to the counters of this process."""

from basechat.infra.metrics.counters import Counters
from basechat.llm.usage.call import Call


def count_call(counters: Counters, call: Call) -> None:
    """Count a call that has ended; one that was withdrawn was none, and one of the cache used nothing."""
    if call.status == "withdrawn":
        return
    counters.add("llm.calls")
    if call.cached:
        return
    counters.add("llm.tokens.prompt", call.prompt_tokens or 0)
    counters.add("llm.tokens.completion", call.completion_tokens or 0)
    if call.cost:
        counters.add("llm.cost", float(call.cost))
    if call.status == "failed":
        counters.add("llm.failures")
