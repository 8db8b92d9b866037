"""One call of a provider for all who ask the same at once, whichever process they ask."""
