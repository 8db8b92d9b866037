"""Models by the operations guide's names."""
