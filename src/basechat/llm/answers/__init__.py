"""Answers as they are kept: what one is found by, how it is put together from a stream, how it is told again."""
