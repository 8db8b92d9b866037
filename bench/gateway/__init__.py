"""The benchmark of `make bench-gateway`: llm-agent, LiteLLM's proxy and the direct call, in turns, in one run."""
