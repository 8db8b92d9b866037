"""HTTP routes of providers and aliases, for administrators."""

from uuid import UUID

from fastapi import APIRouter, status

from basechat.identity.access import AdminCaller, ClientDep
from basechat.infra.web.depends import ResourcesDep
from basechat.llm.providers import admin, admin_aliases
from basechat.llm.providers.aliases import Alias
from basechat.llm.providers.schemas import (
    AliasChange,
    Aliases,
    AliasOut,
    NewProvider,
    ProviderChange,
    ProviderCheck,
    ProviderOut,
    Providers,
)

router = APIRouter(tags=["administration"])


@router.get("/admin/providers")
async def list_providers(_: AdminCaller, resources: ResourcesDep) -> Providers:
    """List the providers of models: those of the settings, which can't be changed here, and those that were added."""
    return Providers(items=await admin.list_providers(resources))


@router.post("/admin/providers", status_code=status.HTTP_201_CREATED)
async def create_provider(
    body: NewProvider, caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> ProviderOut:
    """Add a provider. Its models can be called a few seconds later."""
    return await admin.add_provider(resources, caller, client, body)


@router.get("/admin/providers/{provider_id}")
async def get_provider(provider_id: UUID, _: AdminCaller, resources: ResourcesDep) -> ProviderOut:
    """Return a provider that was added."""
    return await admin.get_provider(resources, provider_id)


@router.patch("/admin/providers/{provider_id}")
async def change_provider(
    provider_id: UUID, body: ProviderChange, caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> ProviderOut:
    """Change a provider. Calls under way end as they began."""
    return await admin.change_provider(resources, caller, client, provider_id, body)


@router.delete("/admin/providers/{provider_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_provider(provider_id: UUID, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> None:
    """Remove a provider and its key. Calls under way end as they began."""
    await admin.delete_provider(resources, caller, client, provider_id)


@router.post("/admin/providers/{provider_id}/check")
async def check_provider(provider_id: UUID, caller: AdminCaller, resources: ResourcesDep) -> ProviderCheck:
    """Ask a provider for its models."""
    return await admin.check_provider(resources, caller, provider_id)


@router.get("/admin/aliases")
async def list_aliases(_: AdminCaller, resources: ResourcesDep) -> Aliases:
    """List the aliases of models: those of the file, which can't be changed here, and those that were added."""
    return Aliases(items=await admin_aliases.list_aliases(resources))


@router.post("/admin/aliases", status_code=status.HTTP_201_CREATED)
async def create_alias(body: Alias, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> AliasOut:
    """Add an alias. It can be called a few seconds later."""
    return await admin_aliases.add_alias(resources, caller, client, body)


@router.patch("/admin/aliases/{alias_id}")
async def change_alias(
    alias_id: UUID, body: AliasChange, caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> AliasOut:
    """Change an alias."""
    return await admin_aliases.change_alias(resources, caller, client, alias_id, body)


@router.delete("/admin/aliases/{alias_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_alias(alias_id: UUID, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> None:
    """Remove an alias."""
    await admin_aliases.delete_alias(resources, caller, client, alias_id)
