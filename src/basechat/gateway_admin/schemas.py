"""Bodies and documents of the routes. Money is in US dollars, as decimal strings."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, PlainSerializer, model_validator

from basechat.kit.text import RequestModel
from basechat.llm.metering.limits import Period, Subject
from basechat.llm.providers.aliases import AliasName, Fallbacks, Target, Targets
from basechat.llm.providers.provider import ApiKey, BaseUrl, ProviderName, ProviderOptions
from basechat.llm.providers.specs import ProviderKind

Source = Literal["environment", "file", "database"]
"""The origin of a provider or alias. Those of the settings and of PROVIDERS_FILE can't be changed here."""

WebUrl = Annotated[BaseUrl, Field(pattern=r"^https?://")]

LIMITS = (
    "requests_per_minute", "tokens_per_minute", "tokens_per_day", "tokens_per_month", "cost_per_day", "cost_per_month"
)  # fmt: skip


def _format(money: Decimal) -> str:
    return format(money.normalize(), "f")


Dollars = Annotated[Decimal, PlainSerializer(_format, return_type=str)]
PerMinute = Annotated[int, Field(ge=1, le=1_000_000_000)]
Tokens = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
Bound = Annotated[Dollars, Field(ge=0, le=999_999, max_digits=14, decimal_places=8)]


class NewProvider(ProviderOptions):
    """A new provider. The default `base_url` is the address of its kind. `api_key` is never shown again."""

    name: ProviderName
    kind: ProviderKind
    base_url: WebUrl | None = None
    api_key: ApiKey | None = None
    enabled: bool = True


class ProviderChange(ProviderOptions):
    """Changes of a provider. Missing fields stay unchanged; null restores the default of the provider's kind.

    A change to another host needs the key again, so that a key never reaches a host it was not entered for.
    """

    name: ProviderName = ""
    kind: ProviderKind = "custom"
    base_url: WebUrl | None = None
    api_key: ApiKey | None = None
    enabled: bool = True


class ProviderOut(ProviderOptions):
    """A provider. `error` is the reason why it is not used; `key_hint` is the end of a long key."""

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
    """All providers: of the environment, of the file, then of the database."""

    items: list[ProviderOut]
    next_cursor: None = None


class ProviderCheck(BaseModel):
    """The models that a provider listed, or the `error` of the request."""

    ok: bool
    models: list[str] = []
    embedding_models: list[str] = []
    error: str | None = None


class AliasChange(RequestModel):
    """Changes of an alias. Missing fields stay unchanged."""

    name: AliasName = ""
    targets: Targets = ()
    fallbacks: Fallbacks = ()


class AliasOut(BaseModel):
    """A name for models. Calls are divided among the targets by weight; the fallbacks are tried after them."""

    id: UUID | None
    source: Source
    name: str
    targets: list[Target]
    fallbacks: list[str]
    created_at: datetime | None
    updated_at: datetime | None


class Aliases(BaseModel):
    """All aliases: of the file, then of the database."""

    items: list[AliasOut]
    next_cursor: None = None


class BudgetLimits(RequestModel):
    """The limits of a budget. Null means unlimited. Days and months are in UTC."""

    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None
    tokens_per_day: Tokens | None = None
    tokens_per_month: Tokens | None = None
    cost_per_day: Bound | None = None
    cost_per_month: Bound | None = None


class NewBudget(BudgetLimits):
    """A new budget: of all together, of one person (by id or name) or API token, or of each of them by default."""

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
            raise ValueError(f"a budget of subject `{self.subject}` can't name another subject")
        if all(getattr(self, name) is None for name in LIMITS):
            raise ValueError("a budget needs at least one limit")
        return self


class BudgetChange(BudgetLimits):
    """Changes of a budget. Missing fields stay unchanged; null removes a limit."""


class Totals(BaseModel):
    """Sums of usage."""

    calls: int = 0
    cached_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Dollars = Decimal(0)

    def add(self, row: Any) -> None:
        self.calls += row.calls
        self.cached_calls += row.cached_calls
        self.prompt_tokens += row.prompt_tokens
        self.completion_tokens += row.completion_tokens
        self.cost += row.cost


class DayTotals(Totals):
    """The usage of one day, in UTC."""

    day: date


class ModelTotals(Totals):
    """The usage of one model."""

    provider: str
    model: str


class BudgetState(BaseModel):
    """The state of a budget. `used` includes what calls in flight reserve. At `resets_at` all of it is available."""

    subject: Subject
    period: Period
    unit: Literal["requests", "tokens", "dollars"]
    limit: Dollars
    used: Dollars
    left: Dollars
    resets_at: datetime


class UsageOut(BaseModel):
    """The usage of a person and the budgets that apply. Cache hits count as calls and cost nothing."""

    today: Totals
    month: Totals
    days: list[DayTotals]
    models: list[ModelTotals]
    budgets: list[BudgetState]


class BudgetUsed(BaseModel):
    """The settled usage of a budget, today and this month."""

    tokens_today: int = 0
    tokens_this_month: int = 0
    cost_today: Dollars = Decimal(0)
    cost_this_month: Dollars = Decimal(0)


class BudgetOut(BudgetLimits):
    """A budget. `used` is null for a default budget, which applies to many."""

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
