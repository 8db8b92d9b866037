"""What the routes of usage and budgets take and answer. Money is in US dollars, written as decimal strings."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, PlainSerializer, model_validator

from basechat.kit.request_model import RequestModel
from basechat.llm.accounting.counters import Period
from basechat.llm.accounting.limits import Subject

LIMITS = (
    "requests_per_minute", "tokens_per_minute", "tokens_per_day", "tokens_per_month", "cost_per_day", "cost_per_month"
)  # fmt: skip


def _plain(money: Decimal) -> str:
    return format(money.normalize(), "f")


Dollars = Annotated[Decimal, PlainSerializer(_plain, return_type=str)]
PerMinute = Annotated[int, Field(ge=1, le=1_000_000_000)]
Tokens = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
Bound = Annotated[Dollars, Field(ge=0, le=999_999, max_digits=14, decimal_places=8)]


class BudgetLimits(RequestModel):
    """What may be used; null bounds nothing. Days and months are those of UTC."""

    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None
    tokens_per_day: Tokens | None = None
    tokens_per_month: Tokens | None = None
    cost_per_day: Bound | None = None
    cost_per_month: Bound | None = None


class NewBudget(BudgetLimits):
    """A budget to set: of all together, of a person (by id or name) or a token, or, without one, of each by default."""

    subject: Subject
    user_id: UUID | None = None
    username: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    token_id: UUID | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        named = (self.user_id or self.username) is not None
        if self.user_id is not None and self.username is not None:
            raise ValueError("name the person by `user_id` or by `username`, not by both")
        if (named and self.subject != "user") or (self.token_id is not None and self.subject != "token"):
            raise ValueError(f"a budget of subject `{self.subject}` names no other")
        if all(getattr(self, name) is None for name in LIMITS):
            raise ValueError("a budget needs at least one limit")
        return self


class BudgetChange(BudgetLimits):
    """What to change of a budget; a field left out stays as it is, null takes a limit away."""


class Totals(BaseModel):
    """What was used."""

    calls: int = 0
    cached_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Dollars = Decimal(0)

    def add(self, row: Any) -> None:
        """Add a row of sums."""
        self.calls += row.calls
        self.cached_calls += row.cached_calls
        self.prompt_tokens += row.prompt_tokens
        self.completion_tokens += row.completion_tokens
        self.cost += row.cost


class DayTotals(Totals):
    """What was used on one day, in UTC."""

    day: date


class ModelTotals(Totals):
    """What was used of one model."""

    provider: str
    model: str


class BudgetState(BaseModel):
    """How much of a budget is used: settled and reserved together. `resets_at` is when all of it is there again."""

    subject: Subject
    period: Period
    unit: Literal["requests", "tokens", "dollars"]
    limit: Dollars
    used: Dollars
    left: Dollars
    resets_at: datetime


class UsageOut(BaseModel):
    """What a person used, and the budgets that apply to them. Answers of the cache count as calls, and cost nothing."""

    today: Totals
    month: Totals
    days: list[DayTotals]
    models: list[ModelTotals]
    budgets: list[BudgetState]


class BudgetUsed(BaseModel):
    """What was used of a budget today and this month, and of this what is settled."""

    tokens_today: int = 0
    tokens_this_month: int = 0
    cost_today: Dollars = Decimal(0)
    cost_this_month: Dollars = Decimal(0)


class BudgetOut(BudgetLimits):
    """A budget. `used` is null where it is the default of many."""

    id: UUID
    subject: Subject
    user_id: UUID | None
    username: str | None
    token_id: UUID | None
    token_name: str | None
    used: BudgetUsed | None
    created_at: datetime
    updated_at: datetime


class Budgets(BaseModel):
    """All budgets."""

    items: list[BudgetOut]
    next_cursor: None = None
