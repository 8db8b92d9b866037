"""Adding, changing, removing and checking providers at run time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Row
from yarl import URL

from basechat.identity.access import ClientInfo
from basechat.identity.audit import record
from basechat.identity.credentials import Principal
from basechat.infra.ratelimit import Limit
from basechat.infra.resources import Resources
from basechat.kit.errors import FieldError, InvalidRequestError
from basechat.kit.ids import new_id
from basechat.llm.models import StoredProvider
from basechat.llm.providers import store
from basechat.llm.providers.configured import load_readable
from basechat.llm.providers.keys import seal_key
from basechat.llm.providers.listing import ListingError, Upstream, ask, declared
from basechat.llm.providers.provider import Provider, ProviderOptions
from basechat.llm.providers.schemas import (
    NewProvider,
    ProviderChange,
    ProviderCheck,
    ProviderOut,
    configured_provider,
    stored_provider,
)
from basechat.llm.providers.stored import open_provider

_CHECKS = Limit(30, 60)  # each reaches out to an address of somebody's choice
_OPTIONS = set(ProviderOptions.model_fields)


async def list_providers(resources: Resources) -> list[ProviderOut]:
    """Return all providers."""
    configured = load_readable(resources.settings)
    async with resources.database.system_transaction() as connection:
        rows = await store.list_rows(connection, StoredProvider)
    return [
        *(configured_provider(each, "environment") for each in (*configured.environment, *configured.local)),
        *(configured_provider(each, "file") for each in configured.file),
        *(_document(resources, row) for row in rows),
    ]


async def get_provider(resources: Resources, provider_id: UUID) -> ProviderOut:
    """Return a provider of the database; raises `NotFoundError`."""
    async with resources.database.system_transaction() as connection:
        return _document(resources, await store.get_row(connection, StoredProvider, provider_id))


async def add_provider(resources: Resources, admin: Principal, client: ClientInfo, body: NewProvider) -> ProviderOut:
    """Add a provider; raises `InvalidRequestError` and `ConflictError`."""
    _check_name(resources, body.name)
    provider_id = new_id()
    options = _said(body, _OPTIONS)
    provider = _checked(
        {"name": body.name, "kind": body.kind, "base_url": body.base_url, "api_key": body.api_key, **options}
    )
    values = {
        "id": provider_id,
        "name": body.name,
        "kind": body.kind,
        "base_url": provider.base_url if body.base_url else None,
        "api_key": seal_key(body.api_key, secret=resources.secret, provider_id=provider_id),
        "enabled": body.enabled,
        "options": options,
    }
    async with resources.database.system_transaction() as connection:
        row = await store.create_row(connection, StoredProvider, values)
        await record(connection, "provider.created", actor_id=admin.user_id, subject=row.name, address=client.address)
    return _document(resources, row)


async def change_provider(
    resources: Resources, admin: Principal, client: ClientInfo, provider_id: UUID, body: ProviderChange
) -> ProviderOut:
    """Change a provider; raises `NotFoundError`, `InvalidRequestError` and `ConflictError`."""
    async with resources.database.system_transaction() as connection:
        row = await store.get_row(connection, StoredProvider, provider_id, lock=True)
        values = _changed(resources, row, body)
        if values["name"] != row.name:
            _check_name(resources, values["name"])
        row = await store.change_row(connection, StoredProvider, provider_id, values)
        await record(connection, "provider.changed", actor_id=admin.user_id, subject=row.name, address=client.address)
    return _document(resources, row)


async def delete_provider(resources: Resources, admin: Principal, client: ClientInfo, provider_id: UUID) -> None:
    """Remove a provider and its key; raises `NotFoundError`."""
    async with resources.database.system_transaction() as connection:
        name = await store.delete_row(connection, StoredProvider, provider_id)
        await record(connection, "provider.deleted", actor_id=admin.user_id, subject=name, address=client.address)


async def check_provider(resources: Resources, admin: Principal, provider_id: UUID) -> ProviderCheck:
    """Ask a provider for its models. Nothing else of what it answers is told."""
    async with resources.database.system_transaction() as connection:
        row = await store.get_row(connection, StoredProvider, provider_id)
    await resources.limiter.require(
        _CHECKS, "provider-checks", str(admin.user_id), detail="Too many checks of providers. Try again later."
    )
    opened = open_provider(row, resources.secret)
    if opened.provider is None or opened.error:
        return ProviderCheck(ok=False, error=opened.error)
    return await _ask(opened.provider)


async def _ask(provider: Provider) -> ProviderCheck:
    upstream = Upstream.of(provider)
    try:
        listed = await ask(upstream)
    except ListingError as error:
        return ProviderCheck(ok=False, error=f"The provider does not tell its models: {error}.")
    finally:
        await upstream.close()
    if not provider.traits.lists:
        return ProviderCheck(
            ok=True, models=list(provider.models or ()), embedding_models=list(provider.embedding_models)
        )
    names = (declared(provider) or listed).names
    return ProviderCheck(ok=True, models=names["chat"], embedding_models=names["embedding"])


def _changed(resources: Resources, row: Row[Any], body: ProviderChange) -> dict[str, Any]:
    """Return the columns of a provider after a change."""
    said = body.model_fields_set
    columns: dict[str, Any] = {
        name: getattr(body if name in said else row, name) for name in ("name", "kind", "enabled")
    }
    given_url = body.base_url if "base_url" in said else row.base_url
    options = {name: value for name, value in row.options.items() if name not in said} | _said(body, _OPTIONS)
    provider = _checked(
        {"name": columns["name"], "kind": columns["kind"], "base_url": given_url, "api_key": body.api_key, **options}
    )
    sealed = row.api_key
    if "api_key" in said:
        sealed = seal_key(body.api_key, secret=resources.secret, provider_id=row.id)
    elif sealed is not None:
        _check_host(open_provider(row, resources.secret).provider, provider)
    base_url = provider.base_url if given_url else None
    return {**columns, "base_url": base_url, "api_key": sealed, "options": options}


def _check_host(old: Provider | None, new: Provider) -> None:
    if old is None or URL(old.base_url).origin() != URL(new.base_url).origin():
        detail = "Give the key anew, or null: the one that is kept is for another address."
        raise InvalidRequestError("Some fields are invalid.", errors=[FieldError(field="api_key", detail=detail)])


def _said(body: ProviderOptions, names: set[str]) -> dict[str, Any]:
    """Return what a body says of some fields, as JSON; null is what is not said."""
    return body.model_dump(mode="json", include=names, exclude_unset=True, exclude_none=True)


def _checked(fields: Mapping[str, Any]) -> Provider:
    """Return a provider that makes sense as a whole; raises `InvalidRequestError`."""
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
        raise store.name_taken(StoredProvider)


def _configured_names(resources: Resources) -> set[str]:
    return {provider.name for provider in load_readable(resources.settings).providers}


def _document(resources: Resources, row: Row[Any]) -> ProviderOut:
    opened = open_provider(row, resources.secret)
    if opened.error is None and row.name in _configured_names(resources):
        opened = replace(opened, error="The settings name another provider so, which is used instead.")
    return stored_provider(row, opened)
