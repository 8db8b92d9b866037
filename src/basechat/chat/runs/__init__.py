"""Runs: how a message is accepted, executed, watched, cancelled, and never lost."""
