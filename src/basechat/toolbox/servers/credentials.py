"""What is said to a server so that it lets us in: headers, encrypted for the row that holds them."""

from collections.abc import Mapping
from uuid import UUID

from basechat.infra.encryption import encryptor_for
from basechat.kit import json

_PURPOSE = "credentials of MCP servers"


def seal_headers(headers: Mapping[str, str], *, secret: bytes, owner_id: UUID, server_id: UUID) -> bytes | None:
    """Return headers encrypted; None where there are none."""
    if not headers:
        return None
    return encryptor_for(_PURPOSE, secret).encrypt(
        json.dumps(dict(headers)), associated_data=_place(owner_id, server_id)
    )


def open_headers(sealed: bytes | None, *, secret: bytes, owner_id: UUID, server_id: UUID) -> dict[str, str] | None:
    """Return the headers; None where they can't be read, because SECRET_KEY is another or the row was tampered with."""
    if sealed is None:
        return {}
    text = encryptor_for(_PURPOSE, secret).decrypt(sealed, associated_data=_place(owner_id, server_id))
    return None if text is None else json.loads(text)


def _place(owner_id: UUID, server_id: UUID) -> str:
    return f"{owner_id}:{server_id}"
