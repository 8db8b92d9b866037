"""Who is asking: accounts, sessions, tokens."""
