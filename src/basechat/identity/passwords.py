"""Passwords: what of them is kept, and comparing with it."""

import asyncio
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()  # Argon2id with RFC 9106's second recommended option: 64 MiB, 3 passes
_slots = asyncio.Semaphore(2)  # each hash takes 64 MiB and a core


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
