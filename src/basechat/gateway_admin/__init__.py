"""Administration of the gateway: what main-backend serves about providers, aliases, budgets and usage."""
