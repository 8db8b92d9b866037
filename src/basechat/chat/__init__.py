"""Chats and messages, the runs that answer them, and background jobs."""
