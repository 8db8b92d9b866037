"""HTTP routes of usage, for everybody, and of budgets, for administrators."""

from uuid import UUID

from fastapi import APIRouter, status

from basechat.identity.access import AdminCaller, AnyCaller, ClientDep
from basechat.infra.web.depends import ResourcesDep
from basechat.llm.accounting import budgets, summary
from basechat.llm.accounting.schemas import BudgetChange, BudgetOut, Budgets, NewBudget, UsageOut

router = APIRouter()


@router.get("/usage", tags=["usage"])
async def read_usage(caller: AnyCaller, resources: ResourcesDep) -> UsageOut:
    """Return what you used today, this month and on the last 30 days, and what is left of your budgets."""
    return await summary.read_usage(resources, caller)


@router.get("/admin/budgets", tags=["administration"])
async def list_budgets(_: AdminCaller, resources: ResourcesDep) -> Budgets:
    """List the budgets, with what is used of each."""
    return Budgets(items=await budgets.list_budgets(resources))


@router.post("/admin/budgets", status_code=status.HTTP_201_CREATED, tags=["administration"])
async def create_budget(body: NewBudget, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> BudgetOut:
    """Set a budget: of everybody together, of a person or an API token, or of each of these by default.

    It holds within a few seconds, and counts what was used before on the same day and in the same month.
    """
    return await budgets.create_budget(resources, caller, client, body)


@router.patch("/admin/budgets/{budget_id}", tags=["administration"])
async def change_budget(
    budget_id: UUID, body: BudgetChange, caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> BudgetOut:
    """Change the limits of a budget."""
    return await budgets.change_budget(resources, caller, client, budget_id, body)


@router.delete("/admin/budgets/{budget_id}", status_code=status.HTTP_204_NO_CONTENT, tags=["administration"])
async def delete_budget(budget_id: UUID, caller: AdminCaller, client: ClientDep, resources: ResourcesDep) -> None:
    """Take a budget away."""
    await budgets.delete_budget(resources, caller, client, budget_id)
