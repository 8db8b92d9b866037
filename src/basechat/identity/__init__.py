"""Accounts of people, and the credentials that speak for them."""
