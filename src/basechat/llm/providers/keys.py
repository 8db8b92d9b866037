"""The keys of providers that are kept in the database: encrypted for the row that holds them."""

from uuid import UUID

from pydantic import SecretStr

from basechat.infra.encryption import encryptor_for

_PURPOSE = "keys of model providers"


def seal_key(key: SecretStr | None, *, secret: bytes, provider_id: UUID) -> bytes | None:
    """Return a key encrypted; None where there is none."""
    if key is None:
        return None
    return encryptor_for(_PURPOSE, secret).encrypt(key.get_secret_value().encode(), associated_data=str(provider_id))


def open_key(sealed: bytes, *, secret: bytes, provider_id: UUID) -> SecretStr | None:
    """Return the key; None where it can't be read, because SECRET_KEY is another or the row was tampered with."""
    key = encryptor_for(_PURPOSE, secret).decrypt(sealed, associated_data=str(provider_id))
    return None if key is None else SecretStr(key.decode())
