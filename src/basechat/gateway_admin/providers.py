"""Providers: listing, creating, changing, deleting and checking them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Row
from yarl import URL

from basechat.gateway_admin import rows
from basechat.gateway_admin.schemas import NewProvider, ProviderChange, ProviderCheck, ProviderOut, Source
from basechat.identity.access import ClientInfo
from basechat.identity.audit import record
from basechat.identity.credentials import Principal
from basechat.infra.db import Database
from basechat.infra.redis.ratelimit import RateLimit
from basechat.infra.resources import Resources
from basechat.kit.errors import FieldError, InvalidRequestError
from basechat.kit.ids import new_id
from basechat.llm.models import StoredProvider
from basechat.llm.providers.configured import load_readable
from basechat.llm.providers.listing import ListingError, Upstream, declared, request_listing
from basechat.llm.providers.provider import Provider, ProviderOptions
from basechat.llm.providers.stored import encrypt_key, open_provider

_CHECKS = RateLimit(30, 60)  # each connects to an address that a person chose
_HINT_CHARACTERS = 4
_LONG_KEY = 12
_OPTIONS = set(ProviderOptions.model_fields)


async def list_providers(resources: Resources) -> list[ProviderOut]:
    configured = load_readable(resources.settings)
    async with resources.database.system_transaction() as connection:
        stored = await rows.list_rows(connection, StoredProvider)
    return [
        *(_configured_document(each, "environment") for each in (*configured.environment, *configured.local)),
        *(_configured_document(each, "file") for each in configured.file),
        *(_stored_document(resources, row) for row in stored),
    ]


async def get_provider(resources: Resources, provider_id: UUID) -> ProviderOut:
    """A provider of the database; raises `NotFoundError`."""
    async with resources.database.system_transaction() as connection:
        return _stored_document(resources, await rows.get_row(connection, StoredProvider, provider_id))


async def create_provider(resources: Resources, admin: Principal, client: ClientInfo, body: NewProvider) -> ProviderOut:
    """Raises `InvalidRequestError` and `ConflictError`."""
    _check_name(resources, body.name)
    provider_id = new_id()
    options = _options(body)
    provider = _validate(
        {"name": body.name, "kind": body.kind, "base_url": body.base_url, "api_key": body.api_key, **options}
    )
    values = {
        "id": provider_id,
        "name": body.name,
        "kind": body.kind,
        "base_url": provider.base_url if body.base_url else None,
        "api_key": encrypt_key(body.api_key, secret=resources.secret, provider_id=provider_id),
        "enabled": body.enabled,
        "options": options,
    }
    async with resources.database.system_transaction() as connection:
        row = await rows.create_row(connection, StoredProvider, values)
        await record(connection, "provider.created", actor_id=admin.user_id, subject=row.name, address=client.address)
    return _stored_document(resources, row)


async def change_provider(
    resources: Resources, admin: Principal, client: ClientInfo, provider_id: UUID, body: ProviderChange
) -> ProviderOut:
    """Raises `NotFoundError`, `InvalidRequestError` and `ConflictError`."""
    async with resources.database.system_transaction() as connection:
        row = await rows.get_row(connection, StoredProvider, provider_id, lock=True)
        values = _changed(resources, row, body)
        if values["name"] != row.name:
            _check_name(resources, values["name"])
        row = await rows.change_row(connection, StoredProvider, provider_id, values)
        await record(connection, "provider.changed", actor_id=admin.user_id, subject=row.name, address=client.address)
    return _stored_document(resources, row)


async def delete_provider(database: Database, admin: Principal, client: ClientInfo, provider_id: UUID) -> None:
    """Delete a provider and its key; raises `NotFoundError`."""
    async with database.system_transaction() as connection:
        name = await rows.delete_row(connection, StoredProvider, provider_id)
        await record(connection, "provider.deleted", actor_id=admin.user_id, subject=name, address=client.address)


async def check_provider(resources: Resources, admin: Principal, provider_id: UUID) -> ProviderCheck:
    # Request the list of models. The answer contains nothing else that the provider sent.
    async with resources.database.system_transaction() as connection:
        row = await rows.get_row(connection, StoredProvider, provider_id)
    await resources.limiter.require(
        _CHECKS, "provider-checks", str(admin.user_id), detail="Too many checks of providers. Try again later."
    )
    opened = open_provider(row, resources.secret)
    if opened.provider is None or opened.error:
        return ProviderCheck(ok=False, error=opened.error)
    return await _request_models(opened.provider)


async def _request_models(provider: Provider) -> ProviderCheck:
    upstream = Upstream.of(provider)
    try:
        listed = await request_listing(upstream)
    except ListingError as error:
        return ProviderCheck(ok=False, error=f"The provider does not list its models: {error}.")
    finally:
        await upstream.close()
    if not provider.spec.lists:
        return ProviderCheck(
            ok=True, models=list(provider.models or ()), embedding_models=list(provider.embedding_models)
        )
    names = (declared(provider) or listed).names
    return ProviderCheck(ok=True, models=names["chat"], embedding_models=names["embedding"])


def _changed(resources: Resources, row: Row[Any], body: ProviderChange) -> dict[str, Any]:
    """The columns of a provider after a change."""
    given = body.model_fields_set
    columns: dict[str, Any] = {
        name: getattr(body if name in given else row, name) for name in ("name", "kind", "enabled")
    }
    url = body.base_url if "base_url" in given else row.base_url
    options = {name: value for name, value in row.options.items() if name not in given} | _options(body)
    provider = _validate(
        {"name": columns["name"], "kind": columns["kind"], "base_url": url, "api_key": body.api_key, **options}
    )
    sealed = row.api_key
    if "api_key" in given:
        sealed = encrypt_key(body.api_key, secret=resources.secret, provider_id=row.id)
    elif sealed is not None:
        _check_host(open_provider(row, resources.secret).provider, provider)
    base_url = provider.base_url if url else None
    return {**columns, "base_url": base_url, "api_key": sealed, "options": options}


def _check_host(old: Provider | None, new: Provider) -> None:
    if old is None or URL(old.base_url).origin() != URL(new.base_url).origin():
        detail = "Enter the key again, or null. The stored key belongs to another address."
        raise InvalidRequestError("Some fields are invalid.", errors=[FieldError(field="api_key", detail=detail)])


def _options(body: ProviderOptions) -> dict[str, Any]:
    """The options that a body sets, as JSON. Null means unset."""
    return body.model_dump(mode="json", include=_OPTIONS, exclude_unset=True, exclude_none=True)


def _validate(fields: Mapping[str, Any]) -> Provider:
    """Raises `InvalidRequestError`."""
    try:
        return Provider.model_validate(fields)
    except ValidationError as error:
        errors = [
            FieldError(field=".".join(map(str, each["loc"])), detail=each["msg"].removeprefix("Value error, "))
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidRequestError("Some fields are invalid.", errors=errors) from None


def _check_name(resources: Resources, name: str) -> None:
    if name in _configured_names(resources):
        raise rows.name_taken(StoredProvider)


def _configured_names(resources: Resources) -> set[str]:
    return {provider.name for provider in load_readable(resources.settings).providers}


def _stored_document(resources: Resources, row: Row[Any]) -> ProviderOut:
    opened = open_provider(row, resources.secret)
    if opened.error is None and row.name in _configured_names(resources):
        opened = replace(opened, error="The settings have a provider of the same name, which is used instead.")
    shown = {"name": row.name, "kind": row.kind, "base_url": row.base_url, "key_hint": None}
    if opened.provider:
        shown = _fields(opened.provider)
    return ProviderOut(
        id=row.id,
        source="database",
        enabled=row.enabled,
        error=opened.error,
        created_at=row.created_at,
        updated_at=row.updated_at,
        **(shown | {"has_key": row.api_key is not None}),
    )


def _configured_document(provider: Provider, source: Source) -> ProviderOut:
    return ProviderOut(
        id=None, source=source, enabled=True, error=None, created_at=None, updated_at=None, **_fields(provider)
    )


def _fields(provider: Provider) -> dict[str, Any]:
    key = provider.api_key.get_secret_value() if provider.api_key else ""
    return {
        **provider.model_dump(exclude={"api_key"}),
        "has_key": bool(key),
        "key_hint": key[-_HINT_CHARACTERS:] if len(key) > _LONG_KEY else None,
    }
