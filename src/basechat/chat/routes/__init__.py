"""HTTP routes of chats and runs."""
