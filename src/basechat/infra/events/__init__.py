"""The live log of a run: a Redis stream that one attempt writes and any number of viewers follow."""
