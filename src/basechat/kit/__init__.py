"""Pure building blocks; they know nothing of chats and do no I/O."""
