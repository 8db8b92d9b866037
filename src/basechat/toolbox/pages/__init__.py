"""Reading public web pages: which addresses may be reached, how much is read, and what text is in it."""
