"""The gateway to every model: OpenAI's API in front of any provider."""
