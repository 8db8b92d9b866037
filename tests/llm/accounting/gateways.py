"""Accounts of a test's own: processes of the gateway that share a database and a redis-state, without HTTP."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from redis.asyncio import Redis

from basechat.infra.db import Database, open_database
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import as_bytes, open_redis
from basechat.kit.config import Settings
from basechat.kit.ids import new_id
from basechat.llm.accounting.accounts import Accounts, Admission, Ask, Claim
from basechat.llm.providers.listing import Upstream
from basechat.llm.providers.prices import Price
from basechat.llm.providers.provider import Provider
from basechat.llm.providers.route import Route
from basechat.llm.usage.book import UsageBook
from basechat.protocol import Caller
from tests.support.databases import as_owner
from tests.support.waiting import until

PRICE = Price(input=Decimal(1000), output=Decimal(1000), cached_input=Decimal(0))
"""A thousandth of a US dollar for each token; those that the provider had cached are free."""


@dataclass(slots=True, kw_only=True)
class Gateway:
    """One process's accounts."""

    settings: Settings
    database: Database
    state: Redis
    accounts: Accounts
    route: Route
    counters: Counters

    async def admit(
        self,
        caller: Caller,
        prompt: int = 10,
        completion: int = 90,
        *,
        claim: Claim | None = None,
        route: Route | None = None,
    ) -> Admission:
        """Admit a call."""
        return await self.accounts.admit(
            Ask(
                caller=caller,
                route=route or self.route,
                prompt_tokens=prompt,
                completion_tokens=completion,
                claim=claim,
            )
        )


def used(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    """Return an answer that tells its tokens."""
    details = {"cached_tokens": cached}
    return {
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": details},
        "choices": [],
    }


@asynccontextmanager
async def gateways(settings: Settings, count: int = 1) -> AsyncIterator[list[Gateway]]:
    """Run the accounts of so many processes, on an empty redis-state of the test's own."""
    async with AsyncExitStack() as stack:
        upstream = Upstream.of(Provider.model_validate({"name": "own", "base_url": "http://127.0.0.1:9/v1"}))
        stack.push_async_callback(upstream.close)
        running = []
        for _ in range(count):
            counters = Counters()
            database, state = open_database(settings), open_redis(settings.state_redis_url)
            stack.push_async_callback(database.close)
            stack.push_async_callback(state.aclose)
            accounts = Accounts(state, UsageBook(database), counters)
            await stack.enter_async_context(accounts.running())
            running.append(
                Gateway(
                    settings=settings,
                    database=database,
                    state=state,
                    accounts=accounts,
                    counters=counters,
                    route=Route(upstream, "m", told_price=PRICE),
                )
            )
        yield running


async def set_budget(
    gateways: list[Gateway],
    subject: str = "user",
    *,
    user: UUID | None = None,
    token: UUID | None = None,
    **limits: Any,
) -> UUID:
    """Set a budget, and have all gateways read it."""
    budget = new_id()
    names = "".join(f", {name}" for name in limits)
    values = "".join(f", :{name}" for name in limits)
    await as_owner(
        gateways[0].settings,
        f"INSERT INTO budgets (id, subject, user_id, token_id{names})"  # noqa: S608
        f" VALUES (:id, :subject, :user, :token{values})",
        id=budget, subject=subject, user=user, token=token, **limits,
    )  # fmt: skip
    for gateway in gateways:
        await gateway.accounts.limits.refresh()
    return budget


async def make_caller(settings: Settings, *, token: bool = False) -> Caller:
    """Make a person, and a token of theirs."""
    owner, token_id = new_id(), new_id() if token else None
    await as_owner(
        settings,
        "INSERT INTO users (id, username, email, password_hash) VALUES (:id, :name, :name, 'none')",
        id=owner, name=f"u-{owner.hex}",
    )  # fmt: skip
    if token_id:
        await as_owner(
            settings,
            "INSERT INTO api_tokens (id, user_id, name, scopes, token_hash) VALUES (:id, :owner, 't', '{llm}', :hash)",
            id=token_id, owner=owner, hash=uuid4().bytes,
        )  # fmt: skip
    return Caller(owner_id=owner, run_id=None, attempt=0, token_id=token_id)


async def windows(gateway: Gateway) -> dict[str, dict[str, str]]:
    """Return the counters of days and months that are in use, by their keys."""
    found = {}
    for key in await _windows_in_use(gateway):
        found[key] = {
            as_bytes(name).decode(): as_bytes(value).decode()
            for name, value in (await gateway.state.hgetall(key)).items()
        }
    return found


async def _windows_in_use(gateway: Gateway) -> list[str]:
    """Return those of the present memory of redis-state, and of each limit's last generation."""
    memory = as_bytes(await gateway.state.get("usage:memory") or b"").decode().partition(":")[0]
    newest: dict[tuple[str, ...], tuple[int, str]] = {}
    async for key in gateway.state.scan_iter(f"budget:{memory}:*"):
        _, _, budget, generation, *rest = key.decode().split(":")
        newest[(budget, *rest)] = max(newest.get((budget, *rest), (-1, "")), (int(generation), key.decode()))
    return [key for _, key in newest.values()]


async def counted(gateway: Gateway) -> set[tuple[int, Decimal]]:
    """Return tokens and US dollars that the windows in use count."""
    return {(int(window["tokens"]), Decimal(window["cost"]) / 10**8) for window in (await windows(gateway)).values()}


async def until_counted(gateway: Gateway, tokens: int) -> None:
    """Wait until all windows in use count so many tokens."""

    async def are_counted() -> bool:
        return {tokens for tokens, _ in await counted(gateway)} == {tokens}

    await until(are_counted)


async def rows(settings: Settings) -> list[dict[str, Any]]:
    """Return the rows of usage, oldest first."""
    names = ("status", "prompt_tokens", "completion_tokens", "cost", "estimated", "cached", "id", "model")
    found = await as_owner(settings, f"SELECT {', '.join(names)} FROM usage ORDER BY id")  # noqa: S608
    return [dict(zip(names, row, strict=True)) for row in found]


async def until_forgotten(*running: Gateway) -> None:
    """Wait until all calls that ended are settled and committed."""

    async def nothing_left() -> bool:
        left = [key for gateway in running async for key in gateway.state.scan_iter("usage:journal:*")]
        return not left

    await until(nothing_left)
