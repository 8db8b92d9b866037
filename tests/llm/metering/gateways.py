"""Processes of the gateway that share a database and a redis-state of the test's own, without HTTP."""

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
from basechat.llm.metering.admission import Admission, AdmissionControl, Claim, Quote
from basechat.llm.providers.catalogue import Route
from basechat.llm.providers.listing import Upstream
from basechat.llm.providers.prices import Price
from basechat.llm.providers.provider import Provider
from basechat.protocol import Caller
from tests.support.databases import as_owner
from tests.support.waiting import until

PRICE = Price(input=Decimal(1000), output=Decimal(1000), cached_input=Decimal(0))
"""A thousandth of a US dollar for each token; those that the provider had cached are free."""


@dataclass(slots=True, kw_only=True)
class Gateway:
    """The metering of one process."""

    settings: Settings
    database: Database
    state: Redis
    admission: AdmissionControl
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
        return await self.admission.admit(
            Quote(
                caller=caller,
                route=route or self.route,
                prompt_tokens=prompt,
                completion_tokens=completion,
                claim=claim,
            )
        )


def used(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    """An answer that tells its tokens."""
    details = {"cached_tokens": cached}
    return {
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": details},
        "choices": [],
    }


@asynccontextmanager
async def gateways(settings: Settings, count: int = 1) -> AsyncIterator[list[Gateway]]:
    """Run the metering of so many processes, on an empty redis-state of the test's own."""
    async with AsyncExitStack() as stack:
        upstream = Upstream.of(Provider.model_validate({"name": "own", "base_url": "http://127.0.0.1:9/v1"}))
        stack.push_async_callback(upstream.close)
        running = []
        for _ in range(count):
            counters = Counters()
            database, state = open_database(settings), open_redis(settings.state_redis_url)
            stack.push_async_callback(database.close)
            stack.push_async_callback(state.aclose)
            admission = AdmissionControl(state, database, counters)
            await stack.enter_async_context(admission.running())
            running.append(
                Gateway(
                    settings=settings,
                    database=database,
                    state=state,
                    admission=admission,
                    counters=counters,
                    route=Route(upstream, "m", listed_price=PRICE),
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
        await gateway.admission.limits.refresh()
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
    """The counters of days and months that are in use, by their keys: those of the last version of each limit."""
    newest: dict[tuple[str, ...], tuple[int, str]] = {}
    async for key in gateway.state.scan_iter("budget:*"):
        _, budget, version, *rest = key.decode().split(":")
        newest[(budget, *rest)] = max(newest.get((budget, *rest), (-1, "")), (int(version), key.decode()))
    return {key: await _fields(gateway, key) for _, key in newest.values()}


async def reservations(gateway: Gateway) -> set[str]:
    """The calls that reserve in any window in use or in any bucket."""
    found = [*(await windows(gateway)).values()]
    found += [await _fields(gateway, key.decode()) async for key in gateway.state.scan_iter("ratelimit:llm:*")]
    return {name for fields in found for name in fields} - {"tokens", "cost", "requests", "at"}


async def _fields(gateway: Gateway, key: str) -> dict[str, str]:
    fields = await gateway.state.hgetall(key)
    return {as_bytes(name).decode(): as_bytes(value).decode() for name, value in fields.items()}


async def counted(gateway: Gateway) -> set[tuple[int, Decimal]]:
    """The tokens and US dollars that the windows in use count."""
    return {(int(window["tokens"]), Decimal(window["cost"]) / 10**8) for window in (await windows(gateway)).values()}


async def until_counted(gateway: Gateway, tokens: int) -> None:
    """Wait until all windows in use count so many tokens."""

    async def are_counted() -> bool:
        return {tokens for tokens, _ in await counted(gateway)} == {tokens}

    await until(are_counted)


async def rows(settings: Settings) -> list[dict[str, Any]]:
    """The rows of usage, oldest first."""
    names = ("status", "prompt_tokens", "completion_tokens", "cost", "estimated", "cached", "id", "model")
    found = await as_owner(settings, f"SELECT {', '.join(names)} FROM usage ORDER BY id")  # noqa: S608
    return [dict(zip(names, row, strict=True)) for row in found]


async def until_written(settings: Settings, *statuses: str) -> None:
    """Wait until the table has rows of exactly these statuses."""

    async def are_written() -> bool:
        return sorted(row["status"] for row in await rows(settings)) == sorted(statuses)

    await until(are_written)


async def until_settled(*running: Gateway) -> None:
    """Wait until all calls have ended rows, and no reservation is left."""

    async def are_settled() -> bool:
        if any(row["status"] == "started" for row in await rows(running[0].settings)):
            return False
        return not await reservations(running[0]) and not any(map(_is_writing, running))

    await until(are_settled)


def _is_writing(gateway: Gateway) -> bool:
    return bool(gateway.admission._writer._waiting or gateway.admission.settlements._waiting)
