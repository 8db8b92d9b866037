"""A client for HTTP/1.1 that posts and reads answers as they come (ADR 16)."""
