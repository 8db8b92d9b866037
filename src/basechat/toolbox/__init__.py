"""BaseChat's own tools, offered over MCP: one file each, and the server."""
