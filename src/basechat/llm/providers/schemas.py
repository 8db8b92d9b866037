"""What the routes of providers and aliases take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import Row

from basechat.kit.request_model import RequestModel
from basechat.llm.providers.aliases import Alias, AliasName, Fallbacks, Target, Targets
from basechat.llm.providers.kinds import ProviderKind
from basechat.llm.providers.provider import ApiKey, BaseUrl, Provider, ProviderName, ProviderOptions
from basechat.llm.providers.stored import OpenedProvider

Source = Literal["environment", "file", "database"]
"""Who names it: the settings and PROVIDERS_FILE, which can't be changed here, or an administrator."""

_HINT_CHARACTERS = 4
_LONG_KEY = 12

WebUrl = Annotated[BaseUrl, Field(pattern=r"^https?://")]


class NewProvider(ProviderOptions):
    """A provider to add. Without `base_url` it is where its kind is; `api_key` is never shown again."""

    name: ProviderName
    kind: ProviderKind
    base_url: WebUrl | None = None
    api_key: ApiKey | None = None
    enabled: bool = True


class ProviderChange(ProviderOptions):
    """What to change of a provider; a field left out stays as it is, null is what its kind has.

    With an address on another host the key must be given anew: it is not sent where it was not meant for.
    """

    name: ProviderName = ""
    kind: ProviderKind = "custom"
    base_url: WebUrl | None = None
    api_key: ApiKey | None = None
    enabled: bool = True


class ProviderOut(ProviderOptions):
    """A provider. `error` says why it is not used; `key_hint` is the end of a long key."""

    id: UUID | None
    source: Source
    name: str
    kind: str
    base_url: str | None
    enabled: bool
    has_key: bool
    key_hint: str | None
    error: str | None
    created_at: datetime | None
    updated_at: datetime | None


class Providers(BaseModel):
    """All providers: those of the environment, of the file, then those that were added."""

    items: list[ProviderOut]
    next_cursor: None = None


class ProviderCheck(BaseModel):
    """What a provider answered when it was asked for its models; `error` says why it did not tell them."""

    ok: bool
    models: list[str] = []
    embedding_models: list[str] = []
    error: str | None = None


class AliasChange(RequestModel):
    """What to change of an alias; a field left out stays as it is."""

    name: AliasName = ""
    targets: Targets = ()
    fallbacks: Fallbacks = ()


class AliasOut(BaseModel):
    """A name that stands for models: calls are divided among the targets by weight, then the fallbacks are tried."""

    id: UUID | None
    source: Source
    name: str
    targets: list[Target]
    fallbacks: list[str]
    created_at: datetime | None
    updated_at: datetime | None


class Aliases(BaseModel):
    """All aliases: those of the file, then those that were added."""

    items: list[AliasOut]
    next_cursor: None = None


def configured_provider(provider: Provider, source: Source) -> ProviderOut:
    """Return a provider that the settings name."""
    return ProviderOut(
        id=None,
        source=source,
        enabled=True,
        error=None,
        created_at=None,
        updated_at=None,
        **_told(provider),
    )


def stored_provider(row: Row[Any], opened: OpenedProvider) -> ProviderOut:
    """Return a provider of the database."""
    told = _told(opened.provider) if opened.provider else {"name": row.name, "kind": row.kind, "base_url": row.base_url}
    return ProviderOut(
        id=row.id,
        source="database",
        enabled=row.enabled,
        error=opened.error,
        created_at=row.created_at,
        updated_at=row.updated_at,
        **({"key_hint": None} | told | {"has_key": row.api_key is not None}),
    )


def configured_alias(alias: Alias) -> AliasOut:
    """Return an alias of the file."""
    return AliasOut(id=None, source="file", created_at=None, updated_at=None, **alias.model_dump())


def stored_alias(row: Row[Any]) -> AliasOut:
    """Return an alias of the database."""
    return AliasOut(source="database", **row._mapping)


def _told(provider: Provider) -> dict[str, Any]:
    key = provider.api_key.get_secret_value() if provider.api_key else ""
    return {
        **provider.model_dump(exclude={"api_key"}),
        "has_key": bool(key),
        "key_hint": key[-_HINT_CHARACTERS:] if len(key) > _LONG_KEY else None,
    }
