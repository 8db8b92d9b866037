"""The workflow that answers a message; it has no database and reaches models through llm-agent alone."""
