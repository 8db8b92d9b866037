"""The quick start of the operations guide, on a real Docker engine."""
