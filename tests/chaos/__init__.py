"""Faults under load: whatever dies, every accepted message ends exactly once, and its viewers have the stored text."""
