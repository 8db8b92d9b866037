"""Search over everything ever said; its tables so far."""
