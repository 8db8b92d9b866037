"""Providers and aliases of the database, with the encrypted keys of providers."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import SecretStr, ValidationError
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.infra.encryption import encryptor_for
from basechat.llm.providers.aliases import Alias
from basechat.llm.providers.provider import Provider

log = logging.getLogger(__name__)

_PURPOSE = "keys of model providers"


def encrypt_key(key: SecretStr | None, *, secret: bytes, provider_id: UUID) -> bytes | None:
    if key is None:
        return None
    return encryptor_for(_PURPOSE, secret).encrypt(key.get_secret_value().encode(), associated_data=str(provider_id))


def decrypt_key(encrypted: bytes, *, secret: bytes, provider_id: UUID) -> SecretStr | None:
    # None if the key can't be decrypted: SECRET_KEY or the row has changed.
    key = encryptor_for(_PURPOSE, secret).decrypt(encrypted, associated_data=str(provider_id))
    return None if key is None else SecretStr(key.decode())


UNREADABLE_KEY = "The key can't be decrypted, because SECRET_KEY has changed. Enter the key again."

# `xmin` is the transaction that wrote a row, so any change shows, whatever the clock says and in whichever order
# transactions commit.
_STATE = text("""
    SELECT (SELECT string_agg(concat(id, ' ', xmin), ',' ORDER BY id) FROM providers) AS providers,
           (SELECT string_agg(concat(id, ' ', xmin), ',' ORDER BY id) FROM model_aliases) AS aliases
""")
_PROVIDERS = text("""
    SELECT id, name, kind, base_url, api_key, options FROM providers WHERE enabled ORDER BY created_at, id
""")
_ALIASES = text("SELECT name, targets, fallbacks FROM model_aliases ORDER BY name")

State = tuple[str | None, str | None]
"""The versions of all rows, to detect changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedProvider:
    """A provider of the database. With an `error` it is not called; with invalid fields `provider` is None."""

    name: str
    provider: Provider | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All enabled providers and all aliases, at one time."""

    state: State
    providers: Sequence[OpenedProvider]
    aliases: Sequence[Alias]

    @property
    def usable(self) -> list[Provider]:
        return [each.provider for each in self.providers if each.provider and not each.error]


async def load_stored(connection: AsyncConnection, secret: bytes, *, known: State | None) -> Stored | None:
    """Read all rows, or return None if the state has not changed. Each statement is its own transaction.

    A change between the statements changes the state, too, and is read the next time.
    """
    state = tuple((await connection.execute(_STATE)).one())
    if state == known:
        return None
    providers = [open_provider(row, secret) for row in await connection.execute(_PROVIDERS)]
    aliases = [alias for row in await connection.execute(_ALIASES) if (alias := _open_alias(row))]
    return Stored(state=state, providers=providers, aliases=aliases)


def _open_alias(row: Row[Any]) -> Alias | None:
    try:
        return Alias.model_validate(dict(row._mapping))
    except ValidationError:
        log.error("alias %s is not used: its stored fields are invalid", row.name)
        return None


def open_provider(row: Row[Any], secret: bytes) -> OpenedProvider:
    key = None if row.api_key is None else decrypt_key(row.api_key, secret=secret, provider_id=row.id)
    fields = {"name": row.name, "kind": row.kind, "base_url": row.base_url, "api_key": key, **row.options}
    try:
        provider = Provider.model_validate(fields)
    except ValidationError as error:
        places = ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
        return OpenedProvider(name=row.name, provider=None, error=f"The stored fields are invalid: {places}.")
    unreadable = row.api_key is not None and key is None
    return OpenedProvider(name=row.name, provider=provider, error=UNREADABLE_KEY if unreadable else None)
