"""Outside MCP servers that people add: their table, their tools and their routes."""
