"""Adding, changing and removing aliases at run time."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.access import ClientInfo
from basechat.identity.audit import record
from basechat.identity.credentials import Principal
from basechat.infra.agent_client import AgentError, caller_for
from basechat.infra.resources import Resources
from basechat.kit.errors import FieldError, InvalidRequestError
from basechat.kit.ids import new_id
from basechat.llm.models import ModelAlias, StoredProvider
from basechat.llm.providers import store
from basechat.llm.providers.aliases import OWNER, Alias
from basechat.llm.providers.configured import load_readable
from basechat.llm.providers.schemas import AliasChange, AliasOut, configured_alias, stored_alias

log = logging.getLogger(__name__)


async def list_aliases(resources: Resources) -> list[AliasOut]:
    """Return all aliases."""
    async with resources.database.system_transaction() as connection:
        rows = await store.list_rows(connection, ModelAlias)
    return [*map(configured_alias, load_readable(resources.settings).aliases), *map(stored_alias, rows)]


async def add_alias(resources: Resources, admin: Principal, client: ClientInfo, body: Alias) -> AliasOut:
    """Add an alias; raises `InvalidRequestError` and `ConflictError`."""
    models = await _known_models(resources, admin)
    async with resources.database.system_transaction() as connection:
        await _check(connection, resources, body, models)
        values = {"id": new_id(), **body.model_dump(mode="json")}
        row = await store.create_row(connection, ModelAlias, values)
        await record(connection, "alias.created", actor_id=admin.user_id, subject=row.name, address=client.address)
    return stored_alias(row)


async def change_alias(
    resources: Resources, admin: Principal, client: ClientInfo, alias_id: UUID, body: AliasChange
) -> AliasOut:
    """Change an alias; raises `NotFoundError`, `InvalidRequestError` and `ConflictError`."""
    models = await _known_models(resources, admin)
    changes: dict[str, Any] = body.model_dump(mode="json", exclude_unset=True)
    async with resources.database.system_transaction() as connection:
        row = await store.get_row(connection, ModelAlias, alias_id, lock=True)
        values = {"name": row.name, "targets": row.targets, "fallbacks": row.fallbacks, **changes}
        await _check(connection, resources, Alias.model_validate(values), models, changed_id=alias_id)
        row = await store.change_row(connection, ModelAlias, alias_id, values)
        await record(connection, "alias.changed", actor_id=admin.user_id, subject=row.name, address=client.address)
    return stored_alias(row)


async def delete_alias(resources: Resources, admin: Principal, client: ClientInfo, alias_id: UUID) -> None:
    """Remove an alias; raises `NotFoundError`."""
    async with resources.database.system_transaction() as connection:
        name = await store.delete_row(connection, ModelAlias, alias_id)
        await record(connection, "alias.deleted", actor_id=admin.user_id, subject=name, address=client.address)


async def _known_models(resources: Resources, admin: Principal) -> set[str] | None:
    """Return all models by the names they are listed under, or None where the gateway does not tell them."""
    try:
        caller = caller_for(admin.user_id)
        chat, embedding = await asyncio.gather(
            resources.agent.list_models(caller), resources.agent.list_models(caller, "embedding")
        )
    except AgentError:
        log.warning("the gateway is away: it is not checked whether the models of an alias are there")
        return None
    return {model["id"] for model in (*chat, *embedding) if model["owned_by"] != OWNER}


async def _check(
    connection: AsyncConnection,
    resources: Resources,
    alias: Alias,
    models: set[str] | None,
    *,
    changed_id: UUID | None = None,
) -> None:
    """Refuse an alias whose name is taken, or that names something else than models."""
    configured = load_readable(resources.settings)
    others = {row.name for row in await store.list_rows(connection, ModelAlias) if row.id != changed_id}
    others |= {each.name for each in configured.aliases}
    if alias.name in others:
        raise store.name_taken(ModelAlias)
    rows = await store.list_rows(connection, StoredProvider)
    providers = {provider.name for provider in configured.providers} | {row.name for row in rows}
    errors = list(_errors(alias, {alias.name, *others}, models, providers))
    if errors:
        raise InvalidRequestError("Some fields are invalid.", errors=errors)


def _errors(alias: Alias, aliases: set[str], models: set[str] | None, providers: set[str]) -> Iterator[FieldError]:
    places = [(f"targets.{number}.model", target.model) for number, target in enumerate(alias.targets)]
    places += [(f"fallbacks.{number}", name) for number, name in enumerate(alias.fallbacks)]
    for field, name in places:
        if name in aliases:
            yield FieldError(field=field, detail=f"{name!r} is an alias; name a model, such as provider/{name}.")
        elif models is not None and name not in models and name.partition("/")[0] not in providers:
            yield FieldError(field=field, detail=f"There is no model {name!r}.")
