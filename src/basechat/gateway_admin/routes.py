"""HTTP routes of usage, for every person, and of providers, aliases and budgets, for administrators."""

from uuid import UUID

from fastapi import APIRouter, status

from basechat.gateway_admin import aliases, budgets, providers, usage
from basechat.gateway_admin.schemas import (
    AliasChange,
    Aliases,
    AliasOut,
    BudgetChange,
    BudgetOut,
    Budgets,
    NewBudget,
    NewProvider,
    ProviderChange,
    ProviderCheck,
    ProviderOut,
    Providers,
    UsageOut,
)
from basechat.identity.access import AdminCaller, AnyCaller, ClientDep
from basechat.infra.web.depends import ResourcesDep
from basechat.llm.providers.aliases import Alias

router = APIRouter()
_admin = APIRouter(prefix="/admin", tags=["administration"])


@_admin.get("/providers")
async def list_providers(_: AdminCaller, resources: ResourcesDep) -> Providers:
    """List the providers of models. Providers of the settings can't be changed here."""
    return Providers(items=await providers.list_providers(resources))


@_admin.post("/providers", status_code=status.HTTP_201_CREATED)
async def create_provider(
    body: NewProvider, caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> ProviderOut:
    """Add a provider. Its models can be called a few seconds later."""
    return await providers.create_provider(resources, caller, client, body)


@_admin.get("/providers/{provider_id}")
async def get_provider(provider_id: UUID, _: AdminCaller, resources: ResourcesDep) -> ProviderOut:
    """Get a provider that an administrator added."""
    return await providers.get_provider(resources, provider_id)


@_admin.patch("/providers/{provider_id}")
async def change_provider(
    provider_id: UUID, body: ProviderChange, caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> ProviderOut:
    """Change a provider. Calls in flight end with the old values."""
    return await providers.change_provider(resources, caller, client, provider_id, body)


@_admin.delete("/providers/{provider_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_provider(provider_id: UUID, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> None:
    """Delete a provider and its key. Calls in flight end with the old values."""
    await providers.delete_provider(resources.database, caller, client, provider_id)


@_admin.post("/providers/{provider_id}/check")
async def check_provider(provider_id: UUID, caller: AdminCaller, resources: ResourcesDep) -> ProviderCheck:
    """Request the list of models from a provider."""
    return await providers.check_provider(resources, caller, provider_id)


@_admin.get("/aliases")
async def list_aliases(_: AdminCaller, resources: ResourcesDep) -> Aliases:
    """List the aliases of models. Aliases of the file can't be changed here."""
    return Aliases(items=await aliases.list_aliases(resources))


@_admin.post("/aliases", status_code=status.HTTP_201_CREATED)
async def create_alias(body: Alias, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> AliasOut:
    """Add an alias. It can be called a few seconds later."""
    return await aliases.create_alias(resources, caller, client, body)


@_admin.patch("/aliases/{alias_id}")
async def change_alias(
    alias_id: UUID, body: AliasChange, caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> AliasOut:
    """Change an alias."""
    return await aliases.change_alias(resources, caller, client, alias_id, body)


@_admin.delete("/aliases/{alias_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_alias(alias_id: UUID, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> None:
    """Delete an alias."""
    await aliases.delete_alias(resources.database, caller, client, alias_id)


@router.get("/usage", tags=["usage"])
async def read_usage(caller: AnyCaller, resources: ResourcesDep) -> UsageOut:
    """Get your usage of today, this month and the last 30 days, and the state of your budgets."""
    return await usage.read_usage(resources.database, resources.state, caller)


@_admin.get("/budgets")
async def list_budgets(_: AdminCaller, resources: ResourcesDep) -> Budgets:
    """List the budgets, with what is used of each."""
    return Budgets(items=await budgets.list_budgets(resources.database))


@_admin.post("/budgets", status_code=status.HTTP_201_CREATED)
async def create_budget(body: NewBudget, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> BudgetOut:
    """Create a budget of one person or API token, of each of them by default, or of all together.

    It applies within a few seconds and counts earlier usage of the same day and month.
    """
    return await budgets.create_budget(resources.database, caller, client, body)


@_admin.patch("/budgets/{budget_id}")
async def change_budget(
    budget_id: UUID, body: BudgetChange, caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> BudgetOut:
    """Change the limits of a budget."""
    return await budgets.change_budget(resources.database, caller, client, budget_id, body)


@_admin.delete("/budgets/{budget_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_budget(budget_id: UUID, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> None:
    """Delete a budget."""
    await budgets.delete_budget(resources.database, caller, client, budget_id)


router.include_router(_admin)
