"""Full-text and semantic search over messages and files; its tables so far."""
