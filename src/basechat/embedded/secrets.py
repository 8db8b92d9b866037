"""Secrets of a data folder: made once, kept in files that only their owner reads."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from basechat.embedded.layout import Layout


def _token() -> str:
    return secrets.token_urlsafe(36)


def _aes_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


MAKERS: Mapping[str, Callable[[], str]] = {
    "secret_key": _token,
    "postgres_password": _token,
    "setup_token": lambda: secrets.token_urlsafe(18),
    "cache_encryption_keys": _aes_key,
}
"""File name, which is also the setting's name in lower case, to how its value is made."""


def ensure_secrets(layout: Layout) -> None:
    """Make what is missing; what is there is never changed, as stored data depends on it."""
    layout.secrets.mkdir(mode=0o700, exist_ok=True)
    layout.secrets.chmod(0o700)
    for name, make in MAKERS.items():
        path = layout.secrets / name
        if not path.exists():
            _write(path, make())


def read_secret(layout: Layout, name: str) -> str:
    return (layout.secrets / name).read_text().strip()


def _write(path: Path, value: str) -> None:
    """Create the file whole or not at all: half a secret would lock its owner out."""
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
