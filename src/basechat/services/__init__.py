"""Composition roots: the only place where features meet."""
