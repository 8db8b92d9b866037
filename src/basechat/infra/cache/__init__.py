"""The caches `llm:`, `mcp:` and `intent:` on the evictable Redis, which may lose anything at any time."""
