"""BaseChat's own tools and their MCP server, and the outside servers that people add."""
