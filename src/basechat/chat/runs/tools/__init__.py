"""Calls of tools: a row each, written before the call is made, and the approvals that some of them wait for."""
