"""Calls of servers outside, and the addresses that may be reached on behalf of a person or a model."""
