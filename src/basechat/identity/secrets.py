"""Passwords and tokens: how they are made, and what of them is kept."""

import asyncio
import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SESSION_PREFIX = "bcs_"
API_TOKEN_PREFIX = "bct_"  # noqa: S105 - says what kind a token is
INVITATION_PREFIX = "bci_"

_hasher = PasswordHasher()  # Argon2id with RFC 9106's second recommended option: 64 MiB, 3 passes
_slots = asyncio.Semaphore(2)  # each hash takes 64 MiB and a core


def new_token(prefix: str) -> str:
    """Return a token of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what is kept of a token. It is random, so a plain SHA-256 can't be searched."""
    return hashlib.sha256(token.encode()).digest()


async def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password."""
    async with _slots:
        return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Return whether the password is the one that was hashed; None takes as long and is never right."""
    async with _slots:
        return await asyncio.to_thread(_verify, password, password_hash)


@cache
def _nobody() -> str:
    """The hash that is verified where an account does not exist, so that the time does not tell."""
    return _hasher.hash(secrets.token_urlsafe())


def _verify(password: str, password_hash: str | None) -> bool:
    try:
        _hasher.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
