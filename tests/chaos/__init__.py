"""Faults under load: every accepted message ends exactly once, and its viewers have the stored text."""
