"""Exact arithmetic, as `calculate` offers it: numbers, functions, and the reader of expressions."""
