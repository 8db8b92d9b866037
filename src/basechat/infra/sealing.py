"""Encryption of what lies outside this process: AES-256-GCM, so that who can read it learns and forges nothing."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Sealing:
    """Seals with the newest key and opens with any, so that keys can be replaced while values live."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, value: bytes, *, place: str) -> bytes:
        """Return the value encrypted; it can be opened for the same place alone."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, value, place.encode())

    def open(self, sealed: bytes, *, place: str) -> bytes | None:
        """Return the value, or None where no key opens it."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, text, place.encode())
            except (InvalidTag, ValueError):
                continue
        return None


def sealing_for(purpose: str, secret: bytes) -> Sealing:
    """Return what seals for one purpose alone, with a key that is derived from the secret (HKDF)."""
    info = f"basechat: {purpose}".encode()
    return Sealing([HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)])
