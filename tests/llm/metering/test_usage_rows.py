"""Each call of a provider is one row of `usage`, with its caller, its tokens, its cost and its end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from basechat.infra.db import open_database
from basechat.infra.web.streaming import ClientDisconnectedError
from basechat.kit.config import Settings
from basechat.kit.ids import new_id
from basechat.kit.tasks import cancel_and_wait
from basechat.llm.metering import writer as writer_module
from basechat.llm.metering.call import Call
from basechat.llm.metering.reconcile import Reconciler
from basechat.llm.metering.writer import UsageWriter
from basechat.protocol import Caller
from tests.llm.gateway import COMPLETIONS, own_gateway, question, streamed
from tests.support.databases import as_owner
from tests.support.own import quiet_stack, visitor
from tests.support.person import Person
from tests.support.rows import fill_every_table
from tests.support.stack import Servers, Stack
from tests.support.waiting import until
from tests.upstream import Say, Stall, Upstream

COLUMNS = ("status", "provider", "model", "prompt_tokens", "completion_tokens", "run", "attempt")
HI = 5  # tokens of a question that says so, as estimated
ROWS = """
    SELECT status, provider, model, prompt_tokens, completion_tokens, run_id::text, attempt,
           first_token_ms, duration_ms, settled_at IS NOT NULL, estimated
    FROM usage WHERE owner_id::text = :owner ORDER BY id
"""


@pytest.fixture
async def client(stack: Stack, person: Person) -> AsyncIterator[Person]:
    """A program that calls the gateway with a person's token."""
    async with visitor(stack.socket("llm-agent")) as somebody:
        yield Person(somebody.http, person.token, person.user)


async def _rows(settings: Settings, person: Person) -> list[dict[str, Any]]:
    names = (*COLUMNS, "first_token_ms", "duration_ms", "settled", "estimated")
    found = await as_owner(settings, ROWS, owner=person.user["id"])
    return [dict(zip(names, row, strict=True)) for row in found]


async def _wait_for_settled(settings: Settings, person: Person, count: int = 1) -> list[dict[str, Any]]:
    """Wait until a person has this number of usage rows and all are settled."""

    async def are_settled() -> bool:
        rows = await _rows(settings, person)
        return len(rows) == count and all(row["settled"] for row in rows)

    await until(are_settled)
    return await _rows(settings, person)


def _columns(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in COLUMNS)


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return stack.resources.settings


async def test_a_streamed_call(client: Person, upstream: Upstream, settings: Settings) -> None:
    body = question("how are you", "openai/slow-first-2000", stream_options={"include_usage": True})
    async with streamed(client, body) as response:
        await response.read()
    [row] = await _wait_for_settled(settings, client)
    assert _columns(row) == ("completed", "openai", "slow-first-2000", 3, 10, None, None)
    assert 2000 <= row["first_token_ms"] <= row["duration_ms"] < 10_000


async def test_a_call_is_written_while_it_goes_on(client: Person, upstream: Upstream, settings: Settings) -> None:
    async def is_open() -> bool:
        return [row["status"] for row in await _rows(settings, client)] == ["started"]

    async with streamed(client, question(model="stall-5")):
        await until(is_open)
    [row] = await _wait_for_settled(settings, client)
    assert _columns(row) == ("cancelled", "openai", "stall-5", HI, row["completion_tokens"], None, None)
    assert row["estimated"]


async def test_a_stream_whose_client_did_not_ask_for_usage(
    client: Person, upstream: Upstream, settings: Settings
) -> None:
    async with streamed(client, question()) as response:
        assert b"usage" not in await response.read()
    assert upstream.completions[-1].document["stream_options"] == {"include_usage": True}
    [row] = await _wait_for_settled(settings, client)
    assert _columns(row) == ("completed", "openai", "echo", 1, 1, None, None)


async def test_an_answer_in_one_body(client: Person, upstream: Upstream, settings: Settings) -> None:
    await client.post(COMPLETIONS, question("안녕 여러분"))
    [row] = await _wait_for_settled(settings, client)
    assert _columns(row) == ("completed", "openai", "echo", 2, 2, None, None)
    assert (row["first_token_ms"], row["duration_ms"] >= 0) == (None, True)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", ["error-401", "error-500", "cut-10", "fail-5"])
async def test_a_call_that_fails(
    client: Person, upstream: Upstream, settings: Settings, model: str, stream: bool
) -> None:
    await client.post(COMPLETIONS, question(model=model, stream=stream))
    [row] = await _wait_for_settled(settings, client)
    relayed = {"cut-10": 10, "fail-5": 5}.get(model, 0) if stream else 0
    tokens = (HI, row["completion_tokens"]) if relayed else (0, 0)
    assert _columns(row) == ("failed", "openai", model, *tokens, None, None)
    assert relayed <= tokens[1] <= 2 * relayed
    assert row["estimated"] is bool(relayed)


async def test_a_provider_that_is_down(
    servers: Servers, person: Person, upstream: Upstream, settings: Settings
) -> None:
    async with own_gateway(servers, person, openai_base_url="http://127.0.0.1:9/v1") as client:
        await client.post(COMPLETIONS, question(model="nobody's"))
    [row] = await _wait_for_settled(settings, person)
    assert _columns(row)[:3] == ("failed", "openai", "nobody's")


async def test_what_is_refused_here_calls_no_provider(client: Person, upstream: Upstream, settings: Settings) -> None:
    await client.post(COMPLETIONS, question(model="tokens-5"))
    await client.post(COMPLETIONS, {"model": "echo"})
    await client.post(COMPLETIONS, question())
    assert len(await _wait_for_settled(settings, client)) == 1


async def test_texts_that_are_embedded(
    servers: Servers, person: Person, upstream: Upstream, settings: Settings
) -> None:
    upstream.models[:] = ["text-embedding-3-small"]
    async with own_gateway(servers, person, openai_base_url=upstream.base_url) as client:
        body = {"model": "text-embedding-3-small", "input": ["red apple", "파란 하늘"]}
        used = (await client.post("/v1/embeddings", body)).json["usage"]["prompt_tokens"]
    [row] = await _wait_for_settled(settings, person)
    assert _columns(row) == ("completed", "openai", "text-embedding-3-small", used, None, None, None)


async def test_the_calls_of_a_run(person: Person, upstream: Upstream, settings: Settings) -> None:
    chat = await person.chat()
    message = (await person.send(chat, "one two three", model="echo"))[-1].data["message"]
    [row] = await _wait_for_settled(settings, person)
    assert _columns(row)[:3] == ("completed", "openai", "echo")
    assert (row["run"], row["attempt"]) == (message["run"]["id"], 1)
    assert row["prompt_tokens"] + row["completion_tokens"] == message["tokens_used"]


async def test_a_message_has_the_tokens_of_its_last_attempt(servers: Servers, upstream: Upstream, stack: Stack) -> None:
    upstream.next_answers((Say(("half ", "an ")), Stall()))
    state = settings_of_state(stack, 6)
    async with quiet_stack(servers, upstream, redis_state_url=state) as quiet, quiet.worker(), asyncio.timeout(20):
        person = quiet.person
        chat = await person.chat()
        lose = "UPDATE runs SET lease_until = now() - interval '1 second' WHERE status = 'running'"
        async with person.stream("POST", f"/sessions/{chat}/messages", {"content": "a b", "model": "echo"}) as events:
            async for event in events:
                if event.event == "message.delta" and "an" in event.data["text"]:
                    await as_owner(quiet.settings, lose)
        rows = await _wait_for_settled(quiet.settings, person, 2)
        assert [(row["status"], row["attempt"]) for row in rows] == [("cancelled", 1), ("completed", 2)]
        message = (await person.messages(chat))[-1]
        assert message["tokens_used"] == rows[1]["prompt_tokens"] + rows[1]["completion_tokens"]


def settings_of_state(stack: Stack, number: int) -> str:
    """The address of a database of its own on redis-state."""
    return stack.resources.settings.state_redis_url.replace("db=0", f"db={number}")


async def test_a_gateway_that_stops_writes_what_it_knows(
    servers: Servers, person: Person, upstream: Upstream, settings: Settings
) -> None:
    async def are_asked() -> bool:
        return len(upstream.completions) == 3

    async with own_gateway(servers, person, openai_base_url=upstream.base_url) as client:
        await client.post(COMPLETIONS, question())
        hanging = [
            asyncio.create_task(client.post(COMPLETIONS, question(f"hi {stream}", model="stall-5", stream=stream)))
            for stream in (True, False)
        ]
        await until(are_asked)
    await cancel_and_wait(*hanging)
    rows = await _rows(settings, person)
    assert rows[0]["status"] == "completed"
    assert {row["status"] for row in rows[1:]} <= {"cancelled", "interrupted"}
    assert [row["settled"] for row in rows] == [True] * 3


async def test_rows_wait_for_the_database(servers: Servers, upstream: Upstream, stack: Stack) -> None:
    async with quiet_stack(servers, upstream, redis_state_url=settings_of_state(stack, 6)) as quiet:
        [(name,)] = await as_owner(quiet.settings, "SELECT current_database()")
        socket = quiet.settings.llm_agent_url.removeprefix("unix:")
        async with visitor(socket) as somebody:
            client = Person(somebody.http, quiet.person.token, quiet.person.user)
            await client.post(COMPLETIONS, question())
            await _wait_for_settled(quiet.settings, client)
            await as_owner(
                servers.settings(),
                f"ALTER DATABASE {name} CONNECTION LIMIT 0",
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",  # noqa: S608
            )
            for content in ("a b", "a c", "a d"):
                assert (await client.post(COMPLETIONS, question(content))).status == 200
            await as_owner(servers.settings(), f"ALTER DATABASE {name} CONNECTION LIMIT -1")
            rows = await _wait_for_settled(quiet.settings, client, 4)
    assert [row["completion_tokens"] for row in rows] == [1, 2, 2, 2]


@pytest.fixture
async def writer(settings: Settings) -> AsyncIterator[UsageWriter]:
    """A writer of the test's own, which writes when the test says so."""
    database = open_database(settings)
    yield UsageWriter(database, on_recorded=lambda _: None)
    await database.close()


def _begin(writer: UsageWriter, owner: str, run: UUID | None = None) -> Call:
    caller = Caller(owner_id=UUID(owner), run_id=run, attempt=1)
    call = Call(caller, provider="openai", model="echo\x00", settled=writer.end)
    writer.begin(call)
    return call


async def test_a_call_is_one_row_however_often_it_is_written(
    writer: UsageWriter, person: Person, settings: Settings
) -> None:
    call = _begin(writer, person.user["id"])
    await writer.write()
    before = dict(call.__dict__)
    call.count({"usage": {"prompt_tokens": 5, "completion_tokens": 7}})
    call.end("completed")
    for values in (call.__dict__.copy(), call.__dict__.copy(), before):  # twice, and the beginning once more
        call.__dict__ = values
        writer._enter(call)
        await writer.write()
    [row] = await _rows(settings, person)
    assert _columns(row) == ("completed", "openai", "echo", 5, 7, None, None)


async def test_rows_without_a_sign_of_life_are_closed_once(
    writer: UsageWriter, person: Person, stack: Stack, settings: Settings
) -> None:
    reconciler = Reconciler(stack.resources.state, writer._database)
    lost, slow, living = (_begin(writer, person.user["id"]) for _ in range(3))
    await writer.write()
    await asyncio.gather(*(reconciler.close_rows() for _ in range(4)))
    assert [row["status"] for row in await _rows(settings, person)] == ["started"] * 3
    for call in (lost, slow, living):
        call.began_at -= 60
    age = "UPDATE usage SET created_at = created_at - interval '60 seconds' WHERE owner_id::text = :owner"
    await as_owner(settings, age, owner=person.user["id"])
    living._began -= 60
    living.saw(b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n' * 7)
    await writer.note_progress()
    await writer.write()
    await asyncio.gather(*(reconciler.close_rows() for _ in range(4)))
    rows = await _rows(settings, person)
    assert [row["status"] for row in rows] == ["interrupted", "interrupted", "started"]
    assert rows[2]["completion_tokens"] == 7
    slow.end("completed")
    await writer.write()
    ended = await as_owner(settings, "SELECT id, status FROM usage WHERE owner_id::text = :o", o=person.user["id"])
    assert dict(ended) == {lost.id: "interrupted", slow.id: "completed", living.id: "started"}


async def test_owners_and_runs_that_are_gone(writer: UsageWriter, person: Person, settings: Settings) -> None:
    run = (await fill_every_table(settings, person.user["id"]))["run"]
    await as_owner(settings, "DELETE FROM usage WHERE owner_id::text = :owner", owner=person.user["id"])
    for owner, of_run in ((str(uuid4()), None), (person.user["id"], new_id()), (person.user["id"], UUID(run))):
        _begin(writer, owner, of_run).end("completed")
    assert await writer.write()
    assert [row["run"] for row in await _rows(settings, person)] == [None, run]
    assert writer.lost == 0


async def test_one_rejected_row_takes_no_other_with_it(writer: UsageWriter, person: Person, settings: Settings) -> None:
    calls = [_begin(writer, person.user["id"]) for _ in range(3)]
    for call in calls:
        call.end("completed")
    calls[1].completion_tokens = 2**40
    assert await writer.write()
    assert [row["status"] for row in await _rows(settings, person)] == ["completed"] * 2
    assert (writer.lost, writer._waiting) == (1, {})


async def test_what_finds_no_room_is_counted(
    writer: UsageWriter, person: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_WAITING", 3)
    calls = [_begin(writer, person.user["id"]) for _ in range(5)]
    assert writer.lost == 2
    calls[0].end("completed")
    assert writer.lost == 2
    await writer.write()
    assert sorted(row["status"] for row in await _rows(settings, person)) == ["completed", "started", "started"]


async def test_a_flush_ends_while_calls_go_on(
    writer: UsageWriter, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, stored = writer._store, 0

    async def store_while_busy(batch: Sequence[Call]) -> None:
        nonlocal stored
        stored += 1
        await store(batch)
        if stored < 20:
            _begin(writer, person.user["id"])

    monkeypatch.setattr(writer, "_store", store_while_busy)
    _begin(writer, person.user["id"])
    await writer.flush()
    assert stored == 1


def test_a_call_whose_client_left_is_estimated() -> None:
    caller = Caller(owner_id=new_id(), run_id=None, attempt=0)
    call = Call(caller, provider="p", model="m", kind="embedding", prompt_estimate=7, settled=lambda _: None)
    with pytest.raises(ClientDisconnectedError), call.refused_if_broken():
        raise ClientDisconnectedError
    assert (call.status, call.prompt_tokens, call.estimated) == ("cancelled", 7, True)


def test_the_last_lines_of_a_stream_tell_its_end(person: Person) -> None:
    def ended(*pieces: bytes, status: str = "cancelled") -> tuple[Any, ...]:
        call = Call(Caller(owner_id=new_id(), run_id=None, attempt=0), provider="p", model="m", settled=lambda _: None)
        for piece in pieces:
            call.saw(piece)
        call.end_stream(status)  # type: ignore[arg-type]
        return call.status, call.prompt_tokens, call.completion_tokens

    usage = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'
    none = b'data: {"choices":[{"delta":{"content":"x"}}],"usage":null}\n\n'
    assert ended() == ("cancelled", 0, 0)
    assert ended(none * 500, usage, b"data: [DONE]\n\n") == ("completed", 3, 4)
    assert ended(none, usage + none + b"data: [DO") == ("cancelled", 3, 4)
    assert ended(*(bytes([byte]) for byte in none + usage + b"data: [DONE]\r\n\r\n")) == ("completed", 3, 4)
    assert ended(usage, b'data: {"error":{"message":"x"}}\n\ndata: [DONE]\n\n') == ("failed", 3, 4)
    said = b'data: {"choices":[{"delta":{"content":"\\"usage\\": \\"error\\""}}],"error":null}\n\n'
    assert ended(said, b"data: []\n\ndata: {not json\n\n", status="completed") == ("completed", 0, 5)
    odd = b'data: {"usage":{"prompt_tokens":-1,"completion_tokens":"4"}}\n\ndata: {"usage":[1]}\n\n'
    assert ended(odd, status="completed") == ("completed", 0, 0)
    odd = b'data: {"usage":{"prompt_tokens":true,"completion_tokens":4}}\n\n'
    assert ended(odd, status="completed") == ("completed", None, 4)
