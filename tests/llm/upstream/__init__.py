"""Calls of providers, with two scripted ones."""
