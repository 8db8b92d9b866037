"""Runs: accept, execute, watch, approve, cancel and recover the work that makes an answer."""
