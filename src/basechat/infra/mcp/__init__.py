"""The client of MCP servers, ours and outside ones: what they offer, and calls of it, all of it bounded."""
