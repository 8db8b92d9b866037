"""What tests work with: the real services on a real database, and people who use them."""
