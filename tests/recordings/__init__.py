"""Recorded event streams: what a client receives, byte for byte but for ids and times."""
