"""Conversations: chats, messages, and the runs that answer them."""
