"""Outside MCP servers that people add: what is kept of them, how they are asked, and their routes."""
