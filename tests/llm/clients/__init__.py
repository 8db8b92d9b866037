"""Programs as people write them, against our gateway on a TCP port: OpenAI's SDK, LangChain, curl."""
