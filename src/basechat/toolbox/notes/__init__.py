"""What the assistant remembers of a person: the table, and its routes for them."""
