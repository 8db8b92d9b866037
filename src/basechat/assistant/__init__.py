"""The workflow that answers a message. It has no database; it calls models through llm-agent."""
