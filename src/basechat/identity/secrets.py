"""Tokens: how they are made, and what of them is kept."""

import hashlib
import secrets

SESSION_PREFIX = "bcs_"
API_TOKEN_PREFIX = "bct_"  # noqa: S105 - says what kind a token is
INVITATION_PREFIX = "bci_"


def new_token(prefix: str) -> str:
    """Return a token of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what is kept of a token. It is random, so a plain SHA-256 can't be searched."""
    return hashlib.sha256(token.encode()).digest()
