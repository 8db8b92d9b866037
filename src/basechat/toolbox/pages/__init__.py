"""Reading public web pages: how much of them is read, and what text is in it."""
