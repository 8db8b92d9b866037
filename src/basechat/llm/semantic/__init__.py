"""When two questions ask the same, though their words differ."""
