"""Notes that the assistant keeps for a person: the table, its tools and its routes."""
