"""Aliases: listing, creating, changing and deleting them."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.gateway_admin import rows
from basechat.gateway_admin.schemas import AliasChange, AliasOut
from basechat.identity.access import ClientInfo
from basechat.identity.audit import record
from basechat.identity.credentials import Principal
from basechat.infra.agent_client import AgentError, caller_for
from basechat.infra.db import Database
from basechat.infra.resources import Resources
from basechat.kit.errors import FieldError, InvalidRequestError
from basechat.kit.ids import new_id
from basechat.llm.models import ModelAlias, StoredProvider
from basechat.llm.providers.aliases import Alias
from basechat.llm.providers.configured import load_readable
from basechat.protocol import OWN_NAME

log = logging.getLogger(__name__)


async def list_aliases(resources: Resources) -> list[AliasOut]:
    async with resources.database.system_transaction() as connection:
        stored = await rows.list_rows(connection, ModelAlias)
    configured = load_readable(resources.settings).aliases
    return [*map(_configured_document, configured), *map(_stored_document, stored)]


async def create_alias(resources: Resources, admin: Principal, client: ClientInfo, body: Alias) -> AliasOut:
    """Raises `InvalidRequestError` and `ConflictError`."""
    models = await _known_models(resources, admin)
    async with resources.database.system_transaction() as connection:
        await _check(connection, resources, body, models)
        values = {"id": new_id(), **body.model_dump(mode="json")}
        row = await rows.create_row(connection, ModelAlias, values)
        await record(connection, "alias.created", actor_id=admin.user_id, subject=row.name, address=client.address)
    return _stored_document(row)


async def change_alias(
    resources: Resources, admin: Principal, client: ClientInfo, alias_id: UUID, body: AliasChange
) -> AliasOut:
    """Raises `NotFoundError`, `InvalidRequestError` and `ConflictError`."""
    models = await _known_models(resources, admin)
    changes: dict[str, Any] = body.model_dump(mode="json", exclude_unset=True)
    async with resources.database.system_transaction() as connection:
        row = await rows.get_row(connection, ModelAlias, alias_id, lock=True)
        values = {"name": row.name, "targets": row.targets, "fallbacks": row.fallbacks, **changes}
        await _check(connection, resources, Alias.model_validate(values), models, changed_id=alias_id)
        row = await rows.change_row(connection, ModelAlias, alias_id, values)
        await record(connection, "alias.changed", actor_id=admin.user_id, subject=row.name, address=client.address)
    return _stored_document(row)


async def delete_alias(database: Database, admin: Principal, client: ClientInfo, alias_id: UUID) -> None:
    """Raises `NotFoundError`."""
    async with database.system_transaction() as connection:
        name = await rows.delete_row(connection, ModelAlias, alias_id)
        await record(connection, "alias.deleted", actor_id=admin.user_id, subject=name, address=client.address)


async def _known_models(resources: Resources, admin: Principal) -> set[str] | None:
    """The names of all listed models, or None while the gateway can't be reached."""
    try:
        caller = caller_for(admin.user_id)
        chat, embedding = await asyncio.gather(
            resources.agent.list_models(caller), resources.agent.list_models(caller, "embedding")
        )
    except AgentError:
        log.warning("can't check that the models of an alias exist: the gateway can't be reached")
        return None
    return {model["id"] for model in (*chat, *embedding) if model["owned_by"] != OWN_NAME}


async def _check(
    connection: AsyncConnection,
    resources: Resources,
    alias: Alias,
    models: set[str] | None,
    *,
    changed_id: UUID | None = None,
) -> None:
    """Reject an alias whose name is taken, or whose targets or fallbacks are not models."""
    configured = load_readable(resources.settings)
    others = {row.name for row in await rows.list_rows(connection, ModelAlias) if row.id != changed_id}
    others |= {each.name for each in configured.aliases}
    if alias.name in others:
        raise rows.name_taken(ModelAlias)
    providers = {provider.name for provider in configured.providers}
    providers |= {row.name for row in await rows.list_rows(connection, StoredProvider)}
    errors = list(_errors(alias, {alias.name, *others}, models, providers))
    if errors:
        raise InvalidRequestError("Some fields are invalid.", errors=errors)


def _errors(alias: Alias, aliases: set[str], models: set[str] | None, providers: set[str]) -> Iterator[FieldError]:
    places = [(f"targets.{number}.model", target.model) for number, target in enumerate(alias.targets)]
    places += [(f"fallbacks.{number}", name) for number, name in enumerate(alias.fallbacks)]
    for field, name in places:
        if name in aliases:
            yield FieldError(field=field, detail=f"{name!r} is an alias. Name a model, such as provider/{name}.")
        elif models is not None and name not in models and name.partition("/")[0] not in providers:
            yield FieldError(field=field, detail=f"The model {name!r} does not exist.")


def _configured_document(alias: Alias) -> AliasOut:
    return AliasOut(id=None, source="file", created_at=None, updated_at=None, **alias.model_dump())


def _stored_document(row: Row[Any]) -> AliasOut:
    return AliasOut(source="database", **row._mapping)
