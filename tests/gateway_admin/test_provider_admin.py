"""Administrators add, change, check and remove providers at run time. The API never shows a stored key."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import column, select
from sqlalchemy import table as sql_table
from sqlalchemy.exc import DBAPIError

from basechat.kit.ids import new_id
from basechat.llm.providers.stored import decrypt_key, encrypt_key
from basechat.services import backend
from tests.conftest import register
from tests.llm.gateway import COMPLETIONS, check_error, question, streamed
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack, visitor
from tests.support.person import Person, Reply
from tests.support.stack import Servers, serving
from tests.support.waiting import until
from tests.upstream import Say, Upstream, Wait, running_upstream

KEY = "sk-second-provider-0123456789-wxyz"
OPTIONS = {"models", "preferred", "embedding_models", "context_window", "stream_usage", "connect_seconds",
          "first_token_seconds", "silence_seconds", "prices"}  # fmt: skip
DOCUMENT = OPTIONS | {
    "id", "source", "name", "kind", "base_url", "enabled", "has_key", "key_hint", "error", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture(scope="module")
async def first() -> AsyncIterator[Upstream]:
    """The provider that the environment names."""
    async with running_upstream() as running:
        yield running


@pytest.fixture(scope="module")
async def quiet(servers: Servers, first: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quiet]:
    """A main-backend and an llm-agent with a database of their own, and a provider in the file."""
    path = tmp_path_factory.mktemp("file") / "providers.toml"
    path.write_text("""
        [[providers]]
        name = "filed"
        base_url = "http://127.0.0.1:9/v1"
        api_key = "short"
        models = ["filed-model"]
        prices = { "*" = { input = 0.1, output = 0.2 } }
        [[aliases]]
        name = "filed-alias"
        targets = [{ model = "filed-model" }]
    """)
    names: dict[str, Any] = {"providers_file": path, "openai_api_key": "sk-first-0123456789", "refresh_seconds": 0.1}
    async with quiet_stack(servers, first, **names) as running:
        yield running


@pytest.fixture
async def admin(quiet: Quiet) -> AsyncIterator[Person]:
    """Its administrator; what they added is gone afterwards."""
    yield quiet.person
    await as_owner(quiet.settings, "DELETE FROM model_aliases", "DELETE FROM providers", "DELETE FROM audit_log")


@pytest.fixture
async def agent(quiet: Quiet) -> AsyncIterator[Person]:
    """The administrator at the gateway."""
    async with visitor(quiet.settings.llm_agent_url.removeprefix("unix:")) as somebody:
        yield Person(somebody.http, quiet.person.token)


@pytest.fixture
async def second() -> AsyncIterator[Upstream]:
    """A provider that an administrator adds."""
    async with running_upstream() as running:
        running.models[:] = ["only-there"]
        running.script("only-there", Say(("here",)))
        yield running


async def _add(admin: Person, **fields: Any) -> dict[str, Any]:
    reply = await admin.post("/admin/providers", {"name": "second", "kind": "custom"} | fields)
    assert reply.status == 201, reply.body
    document: dict[str, Any] = reply.json
    assert document.keys() == DOCUMENT
    return document


async def _change(admin: Person, provider: dict[str, Any], **fields: Any) -> Reply:
    return await admin.ask("PATCH", f"/admin/providers/{provider['id']}", json=fields)


def _fields(reply: Reply) -> set[str]:
    assert (reply.status, reply.code) == (422, "request.invalid"), reply.body
    return {error["field"] for error in reply.json["errors"]}


async def _answers(agent: Person, model: str = "only-there", status: int = 200) -> bool:
    fresh = {"cache-control": "no-cache"}
    return (await agent.post(COMPLETIONS, question(model=model), headers=fresh)).status == status


async def test_a_provider_is_called_soon_after_it_was_added_and_no_more_after_it_was_removed(
    admin: Person, agent: Person, second: Upstream
) -> None:
    check_error(await agent.post(COMPLETIONS, question(model="only-there")), 404, "model_not_found")
    provider = await _add(admin, base_url=second.base_url, api_key=KEY)
    await until(lambda: _answers(agent))
    reply = await agent.post(COMPLETIONS, question(model="second/only-there"))
    assert (reply.status, reply.headers["x-basechat-provider"]) == (200, "second")
    assert second.completions[-1].headers["authorization"] == f"Bearer {KEY}"
    listed = {each["id"]: each["owned_by"] for each in (await agent.get("/v1/models")).json["data"]}
    assert (listed["only-there"], listed["echo"]) == ("second", "openai")

    assert (await _change(admin, provider, api_key="other-key")).status == 200

    async def has_other_key() -> bool:
        return await _answers(agent) and second.completions[-1].headers["authorization"] == "Bearer other-key"

    await until(has_other_key)
    assert (await _change(admin, provider, enabled=False)).json["enabled"] is False
    await until(lambda: _answers(agent, status=404))
    assert (await _change(admin, provider, enabled=True)).status == 200
    await until(lambda: _answers(agent))
    assert (await admin.ask("DELETE", f"/admin/providers/{provider['id']}")).status == 204
    await until(lambda: _answers(agent, status=404))
    assert (await agent.post(COMPLETIONS, question())).status == 200  # the others never noticed


async def test_a_call_under_way_ends_though_its_provider_was_removed(
    admin: Person, agent: Person, second: Upstream
) -> None:
    second.script("slow", Say(("one", " two")), Wait(2), Say((" three",)))
    provider = await _add(admin, base_url=second.base_url)
    await until(lambda: _answers(agent))
    async with streamed(agent, question(model="slow")) as answer:
        assert b"one" in await answer.content.readany()
        assert (await admin.ask("DELETE", f"/admin/providers/{provider['id']}")).status == 204
        await until(lambda: _answers(agent, status=404))
        rest = await answer.read()
    assert b"three" in rest
    assert rest.endswith(b"data: [DONE]\n\n")


async def test_a_key_is_sealed_and_never_shown_again(
    quiet: Quiet, admin: Person, agent: Person, second: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="basechat")
    provider = await _add(admin, base_url=second.base_url, api_key=KEY)
    path = f"/admin/providers/{provider['id']}"
    replies = [
        await admin.get(path),
        await admin.get("/admin/providers"),
        await admin.post(f"{path}/check"),
        await _change(admin, provider, context_window=8192),
        await _change(admin, provider, base_url="ftp://x", api_key=KEY),
        await admin.post("/admin/providers", {"name": "second", "kind": "custom", "api_key": KEY}),
    ]
    await until(lambda: _answers(agent))
    second.refuse_embeddings(401, "invalid_api_key", "No.")
    await agent.post("/v1/embeddings", {"model": "second/any", "input": "x"})
    assert (provider["has_key"], provider["key_hint"]) == (True, "wxyz")
    assert all(KEY.encode() not in reply.body for reply in replies)
    assert KEY not in caplog.text

    ((row,),) = await as_owner(quiet.settings, "SELECT to_jsonb(p) - 'api_key' FROM providers AS p")
    ((sealed,),) = await as_owner(quiet.settings, "SELECT api_key FROM providers")
    audit = await as_owner(quiet.settings, "SELECT action, subject, detail::text, actor_id FROM audit_log ORDER BY id")
    assert KEY not in str(row)
    assert KEY.encode() not in sealed
    assert KEY not in str(audit)
    secret, row_id = quiet.resources.secret, UUID(provider["id"])
    opened = decrypt_key(sealed, secret=secret, provider_id=row_id)
    assert opened is not None
    assert opened.get_secret_value() == KEY
    assert decrypt_key(sealed, secret=secret, provider_id=new_id()) is None
    assert decrypt_key(sealed, secret=b"x" * 32, provider_id=row_id) is None


async def test_every_change_is_in_the_audit_log(quiet: Quiet, admin: Person) -> None:
    provider = await _add(admin, base_url="http://127.0.0.1:9/v1")
    assert (await _change(admin, provider, name="renamed")).status == 200
    alias = (await admin.post("/admin/aliases", {"name": "fast", "targets": [{"model": "renamed/m"}]})).json
    assert (await admin.ask("PATCH", f"/admin/aliases/{alias['id']}", json={"fallbacks": ["echo"]})).status == 200
    assert (await admin.ask("DELETE", f"/admin/aliases/{alias['id']}")).status == 204
    assert (await admin.ask("DELETE", f"/admin/providers/{provider['id']}")).status == 204
    entries = await as_owner(quiet.settings, "SELECT action, subject, actor_id::text FROM audit_log ORDER BY id")
    assert entries == [
        (action, subject, admin.user["id"])
        for action, subject in (
            ("provider.created", "second"), ("provider.changed", "renamed"), ("alias.created", "fast"),
            ("alias.changed", "fast"), ("alias.deleted", "fast"), ("provider.deleted", "renamed"),
        )
    ]  # fmt: skip


async def test_all_providers_are_listed_with_who_names_them(admin: Person, first: Upstream) -> None:
    await _add(admin, name="added", kind="groq", api_key="short-key", models=["m"], silence_seconds=7)
    items = (await admin.get("/admin/providers")).json["items"]
    assert [(each["name"], each["source"], each["kind"], each["base_url"]) for each in items] == [
        ("openai", "environment", "custom", first.base_url),
        ("filed", "file", "custom", "http://127.0.0.1:9/v1"),
        ("added", "database", "groq", "https://api.groq.com/openai/v1"),
    ]
    assert [(each["has_key"], each["key_hint"]) for each in items] == [(True, "6789"), (True, None), (True, None)]
    assert items[1]["prices"] == {"*": {"input": "0.1", "output": "0.2", "cached_input": None}}
    assert (items[2]["models"], items[2]["silence_seconds"], items[2]["error"]) == (["m"], 7, None)
    assert all(each.keys() == DOCUMENT for each in items)


async def test_a_name_that_the_settings_took_later_is_told(quiet: Quiet, admin: Person) -> None:
    await _add(admin, kind="groq", api_key=KEY)
    await as_owner(quiet.settings, "UPDATE providers SET name = 'filed'")
    stored = (await admin.get("/admin/providers")).json["items"][-1]
    assert (stored["source"], stored["name"]) == ("database", "filed")
    assert "the settings" in stored["error"].lower()


async def test_a_change_leaves_the_rest_as_it_is(admin: Person) -> None:
    provider = await _add(admin, kind="mistral", models=["a"], prices={"a": {"input": 0.25, "output": "2"}})
    assert (provider["stream_usage"], provider["has_key"], provider["key_hint"]) == (False, False, None)
    changed = (await _change(admin, provider, models=None, stream_usage=True)).json
    assert changed == provider | {"models": None, "stream_usage": True, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > provider["updated_at"]
    back = (await _change(admin, provider, stream_usage=None, prices={})).json
    assert (back["stream_usage"], back["prices"]) == (False, {})
    assert (await admin.get(f"/admin/providers/{provider['id']}")).json == back


async def test_a_key_is_not_sent_where_it_was_not_meant_for(admin: Person) -> None:
    provider = await _add(admin, base_url="https://one.example.org/v1", api_key=KEY)
    for elsewhere in ({"base_url": "https://two.example.org/v1"}, {"kind": "openai", "base_url": None}):
        assert _fields(await _change(admin, provider, **elsewhere)) == {"api_key"}
    assert (await _change(admin, provider, base_url="https://one.example.org/v2")).json["has_key"] is True
    moved = await _change(admin, provider, base_url="https://two.example.org/v1", api_key=None)
    assert (moved.json["base_url"], moved.json["has_key"]) == ("https://two.example.org/v1", False)


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"kind": "bard"}, {"kind"}),
        ({"kind": "custom"}, {"base_url"}),
        ({"kind": "vllm"}, {"base_url"}),
        ({"kind": "azure", "api_key": KEY}, {"base_url"}),
        ({"base_url": "unix:/run/postgres.sock"}, {"base_url"}),
        ({"base_url": "https://user:secret@example.org"}, {"base_url"}),
        ({"base_url": "nowhere"}, {"base_url"}),
        ({"kind": "openai", "api_key": "two\nlines"}, {"api_key"}),
        ({"kind": "openai", "name": "With Blanks"}, {"name"}),
        ({"kind": "openai", "prices": {"m": {"input": -1}}}, {"prices.m.input"}),
        ({"kind": "openai", "prices": {"m": {"input": "many"}}}, {"prices.m.input"}),
        ({"kind": "openai", "context_window": 5, "connect_seconds": -1}, {"context_window", "connect_seconds"}),
        ({"kind": "openai", "keys": "x"}, {"keys"}),
    ],
)
async def test_what_is_wrong_is_told_by_field(admin: Person, fields: dict[str, Any], places: set[str]) -> None:
    reply = await admin.post("/admin/providers", {"name": "second", "kind": "custom"} | fields)
    assert _fields(reply) == places
    assert KEY.encode() not in reply.body


async def test_names_are_given_once(admin: Person) -> None:
    provider = await _add(admin, kind="groq")
    other = await _add(admin, name="other", kind="groq")
    for name in ("second", "filed", "openai"):
        taken = await admin.post("/admin/providers", {"name": name, "kind": "groq"})
        assert (taken.status, taken.code) == (409, "provider.name_taken")
        renamed = await _change(admin, other, name=name)
        assert (renamed.status, renamed.code) == (409, "provider.name_taken")
    assert (await _change(admin, provider, name="second")).status == 200


@pytest.mark.parametrize("path", ["/admin/providers", "/admin/aliases"])
async def test_what_is_not_there_is_told(admin: Person, path: str) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [("PATCH", {"json": {}}), ("DELETE", {})]
    for method, more in calls:
        reply = await admin.ask(method, f"{path}/{uuid4()}", **more)
        assert (reply.status, reply.code.rpartition(".")[2]) == (404, "not_found")


async def test_a_check_tells_models_or_a_cause_and_nothing_else(admin: Person, second: Upstream) -> None:
    provider = await _add(admin, base_url=second.base_url)
    second.models[:] = ["m", "e5-small"]
    path = f"/admin/providers/{provider['id']}/check"
    assert (await admin.post(path)).json == {
        "ok": True, "models": ["m"], "embedding_models": ["e5-small"], "error": None,
    }  # fmt: skip
    base = second.base_url
    for url, cause in ((f"{base}/nowhere", "status 404"), ("http://127.0.0.1:9/v1", "can't be reached")):
        assert (await _change(admin, provider, base_url=url)).status == 200
        answer = (await admin.post(path)).json
        assert (answer["ok"], answer["models"]) == (False, [])
        assert cause in answer["error"]


async def test_a_key_that_can_not_be_opened_is_told_and_the_provider_not_used(
    quiet: Quiet, admin: Person, agent: Person, second: Upstream
) -> None:
    provider = await _add(admin, base_url=second.base_url, api_key=KEY)
    await until(lambda: _answers(agent))
    sealed = encrypt_key(SecretStr(KEY), secret=b"another secret of 32 characters.", provider_id=UUID(provider["id"]))
    await as_owner(quiet.settings, "UPDATE providers SET api_key = :sealed", sealed=sealed)
    await until(lambda: _answers(agent, status=404))
    shown = (await admin.get(f"/admin/providers/{provider['id']}")).json
    assert (shown["has_key"], shown["key_hint"]) == (True, None)
    assert "SECRET_KEY" in shown["error"]
    checked = (await admin.post(f"/admin/providers/{provider['id']}/check")).json
    assert (checked["ok"], checked["error"]) == (False, shown["error"])
    assert (await _change(admin, provider, api_key=KEY)).json["error"] is None
    await until(lambda: _answers(agent))


async def test_while_the_database_is_away_the_last_known_ones_serve(
    servers: Servers, first: Upstream, second: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    async with quiet_stack(servers, first, refresh_seconds=0.05) as quiet:
        [(name,)] = await as_owner(quiet.settings, "SELECT current_database()")
        async with visitor(quiet.settings.llm_agent_url.removeprefix("unix:")) as somebody:
            client = Person(somebody.http, quiet.person.token)
            provider = await _add(quiet.person, base_url=second.base_url)
            await until(lambda: _answers(client))
            await as_owner(
                servers.settings(),
                f"ALTER DATABASE {name} CONNECTION LIMIT 0",
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",  # noqa: S608
            )
            await until(lambda: _has_logged(caplog, "the providers stay as they are"))
            assert await _answers(client)
            await as_owner(servers.settings(), f"ALTER DATABASE {name} CONNECTION LIMIT -1")
            assert (await quiet.person.ask("DELETE", f"/admin/providers/{provider['id']}")).status == 204
            await until(lambda: _answers(client, status=404))


async def _has_logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text


async def test_aliases_are_called_soon_after_they_were_added(admin: Person, agent: Person, second: Upstream) -> None:
    await _add(admin, base_url=second.base_url)
    body = {"name": "smart", "targets": [{"model": "second/only-there", "weight": 2.5}], "fallbacks": ["echo"]}
    added = await admin.post("/admin/aliases", body)
    assert added.status == 201, added.body
    assert added.json == {
        "id": added.json["id"], "source": "database", **body,
        "created_at": added.json["created_at"], "updated_at": added.json["updated_at"],
    }  # fmt: skip
    await until(lambda: _answers(agent, "smart"))
    listed = {each["id"]: each["owned_by"] for each in (await agent.get("/v1/models")).json["data"]}
    assert (listed["smart"], listed["filed-alias"]) == ("basechat", "basechat")
    assert "smart" in {each["id"] for each in (await admin.get("/models")).json["items"]}
    shown = (await admin.get("/admin/aliases")).json["items"]
    assert [(each["name"], each["source"]) for each in shown] == [("filed-alias", "file"), ("smart", "database")]

    path = f"/admin/aliases/{added.json['id']}"
    changed = await admin.ask("PATCH", path, json={"name": "smarter"})
    assert changed.json == added.json | {"name": "smarter", "updated_at": changed.json["updated_at"]}
    await until(lambda: _answers(agent, "smarter"))
    check_error(await agent.post(COMPLETIONS, question(model="smart")), 404, "model_not_found")
    assert (await admin.ask("DELETE", path)).status == 204
    await until(lambda: _answers(agent, "smarter", status=404))


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"targets": []}, {"targets"}),
        ({"targets": [{"model": "echo", "weight": 0}]}, {"targets.0.weight"}),
        ({"targets": [{"model": "echo", "weight": -1}]}, {"targets.0.weight"}),
        ({"targets": [{"model": "echo"}, {"model": "no-such-model"}]}, {"targets.1.model"}),
        ({"fallbacks": ["echo", "nobody/echo"]}, {"fallbacks.1"}),
        ({"targets": [{"model": "filed-alias"}]}, {"targets.0.model"}),
        ({"fallbacks": ["mine"]}, {"fallbacks.0"}),
        ({"name": "two words"}, {"name"}),
        ({"weight": 1}, {"weight"}),
    ],
)
async def test_an_alias_that_names_nothing_is_refused(admin: Person, fields: dict[str, Any], places: set[str]) -> None:
    good = {"name": "mine", "targets": [{"model": "echo"}]}
    assert places <= _fields(await admin.post("/admin/aliases", good | fields))
    added = (await admin.post("/admin/aliases", good)).json
    assert places <= _fields(await admin.ask("PATCH", f"/admin/aliases/{added['id']}", json=fields))


async def test_names_of_aliases_are_given_once(admin: Person) -> None:
    good = {"name": "mine", "targets": [{"model": "echo"}]}
    assert (await admin.post("/admin/aliases", good)).status == 201
    for name in ("mine", "filed-alias"):
        taken = await admin.post("/admin/aliases", good | {"name": name})
        assert (taken.status, taken.code) == (409, "alias.name_taken")


async def test_only_administrators_reach_them(quiet: Quiet, admin: Person) -> None:
    provider = await _add(admin, kind="groq")
    somebody = await register(Person(admin.http, headers={"x-real-ip": "127.0.0.1"}))
    token = (await admin.post("/auth/tokens", {"name": "no admin", "scopes": ["chat", "llm"]})).json["token"]
    for person in (somebody, Person(admin.http, token)):
        for method, path in (
            ("GET", "/admin/providers"), ("POST", "/admin/providers"), ("GET", "/admin/aliases"),
            ("GET", f"/admin/providers/{provider['id']}"), ("PATCH", f"/admin/providers/{provider['id']}"),
            ("DELETE", f"/admin/providers/{provider['id']}"), ("POST", f"/admin/providers/{provider['id']}/check"),
            ("POST", "/admin/aliases"), ("PATCH", f"/admin/aliases/{uuid4()}"), ("DELETE", f"/admin/aliases/{uuid4()}"),
        ):  # fmt: skip
            assert (await person.ask(method, path)).status == 403
    assert (await Person(admin.http).get("/admin/providers")).status == 401
    async with quiet.resources.database.people.connect() as connection:
        for table in ("providers", "model_aliases"):
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(select(column("id")).select_from(sql_table(table)))
            await connection.rollback()


async def test_a_file_that_only_the_gateway_can_read_does_not_close_the_administration(
    quiet: Quiet, admin: Person, tmp_path: Path
) -> None:
    settings = quiet.settings.model_copy(update={"providers_file": tmp_path / "nowhere.toml"})
    socket = f"{tmp_path}/backend.sock"
    async with serving(backend.create_app(settings), socket), visitor(socket) as somebody:
        reply = await Person(somebody.http, admin.token).get("/admin/providers")
    assert [each["name"] for each in reply.json["items"]] == ["openai"]
