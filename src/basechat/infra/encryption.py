"""Authenticated encryption (AES-256-GCM) of values that leave this process."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Encryptor:
    """Encrypts with the first key and decrypts with any, so that keys can rotate while values live."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    def encrypt(self, value: bytes, *, associated_data: str) -> bytes:
        """Nonce and ciphertext. `decrypt` needs the same associated data."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, value, associated_data.encode())

    def decrypt(self, encrypted: bytes, *, associated_data: str) -> bytes | None:
        nonce, ciphertext = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, ciphertext, associated_data.encode())
            except (InvalidTag, ValueError):
                continue
        return None


def encryptor_for(purpose: str, secret: bytes) -> Encryptor:
    """An encryptor whose key is derived from the secret for one purpose (HKDF, RFC 5869)."""
    info = f"basechat: {purpose}".encode()
    return Encryptor([HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)])
