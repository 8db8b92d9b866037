"""The live log of a run: an ordered Redis stream, written by one attempt and followed by any number of viewers."""
