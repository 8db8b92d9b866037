"""Budgets over HTTP: administrators set them, calls are refused by them, and people see what is left."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from basechat.infra.redis import open_redis
from basechat.services import agent
from tests.conftest import register
from tests.llm.gateway import COMPLETIONS, check_error, question
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack, visitor
from tests.support.person import Person, Reply
from tests.support.stack import Servers, Stack, serving
from tests.support.waiting import until
from tests.upstream import Upstream

PRICES = """
[[providers]]
name = "own"
base_url = "{url}"
models = ["echo"]
prices = {{ "*" = {{ input = 100, output = 200 }} }}
"""
NONE = dict.fromkeys(
    ("requests_per_minute", "tokens_per_minute", "tokens_per_day", "tokens_per_month", "cost_per_day", "cost_per_month")
)


@pytest.fixture
async def quiet(
    servers: Servers, stack: Stack, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Quiet]:
    """A stack of the test's own, whose one provider has prices; its first person is the administrator."""
    file = tmp_path_factory.mktemp("providers") / "providers.toml"
    file.write_text(PRICES.format(url=upstream.base_url))
    url = stack.resources.settings.state_redis_url.replace("db=0", "db=8")
    state = open_redis(url)
    await state.flushdb()
    async with quiet_stack(
        servers, upstream, redis_state_url=url, providers_file=file, openai_base_url=None
    ) as running:
        yield running
    await state.flushdb()
    await state.aclose()


@pytest.fixture
async def client(quiet: Quiet) -> AsyncIterator[Person]:
    """A program of the administrator's that calls the gateway."""
    async with visitor(quiet.settings.llm_agent_url.removeprefix("unix:")) as somebody:
        yield Person(somebody.http, quiet.person.token, quiet.person.user)


async def _complete(client: Person, content: str, **fields: Any) -> Reply:
    return await client.post(COMPLETIONS, question(content, "echo", max_tokens=100, **fields))


async def _refused(client: Person) -> Reply:
    """Ask until the gateway has read the budgets and refuses."""
    replies: list[Reply] = []

    async def is_refused() -> bool:
        replies.append(await _complete(client, f"a {uuid4()}"))
        return replies[-1].status != 200

    await until(is_refused)
    return replies[-1]


async def _budgets(person: Person) -> dict[tuple[str, str, str], dict[str, Any]]:
    states = (await person.get("/usage")).json["budgets"]
    return {(each["subject"], each["period"], each["unit"]): each for each in states}


async def test_a_budget_is_set_changed_and_taken_away(quiet: Quiet) -> None:
    admin = quiet.person
    body = {"subject": "user", "username": "ANN", "tokens_per_day": 1000, "cost_per_month": "12.5"}
    made = await admin.post("/admin/budgets", body)
    assert made.status == 201, made.body
    budget = made.json
    assert budget | {"created_at": "", "updated_at": "", "id": ""} == {
        **NONE, "id": "", "subject": "user", "user_id": admin.user["id"], "username": "ann", "token_id": None,
        "token_name": None, "tokens_per_day": 1000, "cost_per_month": "12.5", "created_at": "", "updated_at": "",
        "used": {"tokens_today": 0, "tokens_this_month": 0, "cost_today": "0", "cost_this_month": "0"},
    }  # fmt: skip
    again = await admin.post("/admin/budgets", body)
    assert (again.status, again.json["code"]) == (409, "budget.exists")
    path = f"/admin/budgets/{budget['id']}"
    changed = await admin.ask("PATCH", path, json={"tokens_per_day": None, "requests_per_minute": 3})
    assert (changed.json["tokens_per_day"], changed.json["requests_per_minute"]) == (None, 3)
    assert changed.json["cost_per_month"] == "12.5"
    assert (await admin.ask("PATCH", path, json={"cost_per_month": None, "requests_per_minute": None})).status == 422
    assert [each["id"] for each in (await admin.get("/admin/budgets")).json["items"]] == [budget["id"]]
    assert (await admin.ask("DELETE", path)).status == 204
    for method in ("DELETE", "PATCH"):
        assert (await admin.ask(method, path, json={} if method == "PATCH" else None)).json[
            "code"
        ] == "budget.not_found"
    actions = await as_owner(
        quiet.settings, "SELECT action, subject FROM audit_log WHERE action LIKE 'budget%' ORDER BY id"
    )
    assert actions == [(f"budget.{done}", budget["id"]) for done in ("created", "changed", "deleted")]


async def test_used_tokens_of_one_call_may_exceed_an_integer(quiet: Quiet) -> None:
    await as_owner(
        quiet.settings,
        "INSERT INTO usage (id, owner_id, kind, provider, model, status, prompt_tokens, completion_tokens)"
        " SELECT gen_random_uuid(), id, 'chat', 'p', 'm', 'completed', 2147483647, 5 FROM users LIMIT 1",
    )
    made = await quiet.person.post("/admin/budgets", {"subject": "all", "tokens_per_day": 1000})
    assert made.status == 201, made.body
    assert made.json["used"]["tokens_this_month"] == 2**31 + 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": "all"}, "body"),
        ({"subject": "nobody", "tokens_per_day": 1}, "subject"),
        ({"subject": "user", "username": "nobody", "tokens_per_day": 1}, "username"),
        ({"subject": "user", "user_id": str(uuid4()), "tokens_per_day": 1}, "user_id"),
        ({"subject": "token", "token_id": str(uuid4()), "tokens_per_day": 1}, "token_id"),
        ({"subject": "all", "username": "ann", "tokens_per_day": 1}, "body"),
        ({"subject": "all", "requests_per_minute": 0}, "requests_per_minute"),
        ({"subject": "all", "cost_per_day": "-1"}, "cost_per_day"),
        ({"subject": "all", "cost_per_day": "0.000000001"}, "cost_per_day"),
        ({"subject": "all", "tokens_per_day": 1, "tokens_per_year": 1}, "tokens_per_year"),
    ],
)
async def test_what_is_no_budget(quiet: Quiet, body: dict[str, Any], field: str) -> None:
    reply = await quiet.person.post("/admin/budgets", body)
    assert reply.status == 422, reply.body
    assert [each["field"] for each in reply.json["errors"]] == [field]


async def test_budgets_are_for_administrators(quiet: Quiet) -> None:
    somebody = await register(quiet.person)
    assert (await somebody.get("/admin/budgets")).status == 403
    assert (await somebody.post("/admin/budgets", {"subject": "all", "tokens_per_day": 1})).status == 403
    usage = (await somebody.get("/usage")).json
    assert (usage["budgets"], usage["days"], usage["today"]["calls"]) == ([], [], 0)


async def test_a_call_beyond_a_budget_is_refused_and_the_rest_is_seen(quiet: Quiet, client: Person) -> None:
    admin = quiet.person
    await _complete(client, "one two three")
    await admin.post("/admin/budgets", {"subject": "user", "cost_per_day": "0.02", "requests_per_minute": 1000})
    refused = await _refused(client)
    message = check_error(refused, 429, "insufficient_quota")
    assert "$0.02 per day (yours)" in message
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert refused.headers["x-ratelimit-limit-requests"] == "1000"
    assert int(refused.headers["x-ratelimit-remaining-requests"]) < 1000

    async def is_settled() -> bool:
        rows = await as_owner(quiet.settings, "SELECT 1 FROM usage WHERE settled_at IS NULL")
        cost = await as_owner(quiet.settings, "SELECT sum(cost) FROM usage")
        used = (await _budgets(admin))[("user", "day", "dollars")]["used"]
        return not rows and Decimal(used) == cost[0][0]

    await until(is_settled)
    day = (await _budgets(admin))[("user", "day", "dollars")]
    assert (day["limit"], Decimal(day["left"])) == ("0.02", max(Decimal("0.02") - Decimal(day["used"]), 0))
    assert day["resets_at"].endswith("00:00:00Z")
    minute = (await _budgets(admin))[("user", "minute", "requests")]
    assert Decimal(minute["used"]) + Decimal(minute["left"]) == 1000
    usage = (await admin.get("/usage")).json
    assert usage["today"] == usage["month"]
    assert Decimal(usage["today"]["cost"]) == Decimal(day["used"])
    assert [(each["provider"], each["model"]) for each in usage["models"]] == [("own", "echo")]
    [listed] = (await admin.get("/admin/budgets")).json["items"]
    assert listed["used"] is None  # each person's own
    state = quiet.resources.state
    await state.flushdb()
    assert (await _budgets(admin))[("user", "day", "dollars")] == day


async def test_a_refusal_is_for_nobody_else_who_asks_the_same(
    quiet: Quiet, servers: Servers, upstream: Upstream
) -> None:
    made = [(await quiet.person.post("/auth/tokens", {"name": name, "scopes": ["llm"]})).json for name in "ab"]
    budget = {"subject": "token", "token_id": made[0]["id"], "tokens_per_day": 0}
    assert (await quiet.person.post("/admin/budgets", budget)).status == 201
    socket = f"{servers.folder}/agent-{uuid4().hex[:8]}.sock"
    sharing = agent.create_app(quiet.settings.model_copy(update={"cache_scope": "user"}))
    async with serving(sharing, socket), visitor(socket) as somebody:
        poor, rich = (Person(somebody.http, each["token"]) for each in made)
        await _refused(poor)
        assert (await _complete(rich, "one")).status == 200
        called = len(upstream.completions)
        replies = await asyncio.gather(*(_complete(each, "two") for each in (poor, rich) * 10))
    assert {reply.status for reply in replies[1::2]} == {200}
    assert "this API token's" in check_error(replies[0], 429, "insufficient_quota")
    assert len(upstream.completions) == called + 1


async def test_headers_tell_what_is_left_of_a_minute(quiet: Quiet, client: Person) -> None:
    await quiet.person.post(
        "/admin/budgets", {"subject": "all", "requests_per_minute": 100, "tokens_per_minute": 10_000}
    )
    replies: list[Reply] = []

    async def is_told() -> bool:
        replies.append(await _complete(client, f"a {uuid4()}"))
        return "x-ratelimit-limit-requests" in replies[-1].headers

    await until(is_told)
    headers = replies[-1].headers
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-limit-tokens"]) == ("100", "10000")
    assert int(headers["x-ratelimit-remaining-tokens"]) < 9_900
    assert headers["x-ratelimit-reset-tokens"].endswith("s")
