"""HTTP routes of conversations."""
