"""The caches `llm:`, `mcp:` and `intent:` in redis, which may evict any value at any time."""
