"""The real services on a real database, and people who use them."""
