"""The client of MCP servers, our own and people's: it lists and calls their tools within limits."""
