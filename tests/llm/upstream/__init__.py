"""Tests of how providers are called, against one that does as it is told, and another to fall back to."""
