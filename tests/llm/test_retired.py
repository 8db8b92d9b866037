"""The client of a provider that was taken away is closed when its last call has ended, and not before."""

from basechat.kit import json
from basechat.llm.providers.listing import DrainingClients, ModelList, Upstream
from basechat.llm.providers.provider import Provider
from tests.llm.gateway import question
from tests.support.waiting import until
from tests.upstream import Say, Wait, running_upstream


async def test_a_call_under_way_is_waited_for() -> None:
    async with running_upstream() as scripted:
        scripted.script("slow", Say(("one",)), Wait(0.5), Say((" two",)))
        old = ModelList(Upstream.of(Provider.model_validate({"name": "old", "base_url": scripted.base_url})))
        retired, upstream = DrainingClients(rest_seconds=0), old.upstream
        try:
            body = json.dumps(question(model="slow", stream=True))
            answer = await upstream.http.request("POST", "chat/completions", {}, body, connect_seconds=5)
            await answer.read()
            retired.add(old)
            await retired.sweep()
            assert upstream.is_in_use
            assert not upstream.http.is_closed
            assert b" two" in await answer.read_all(10_000)
            answer.close()
            await until(lambda: _idle(old))
            await retired.sweep()
            assert upstream.http.is_closed
        finally:
            await retired.close()


async def test_one_that_was_used_a_moment_ago_is_left_alone() -> None:
    old = ModelList(Upstream.of(Provider.model_validate({"name": "old", "base_url": "http://127.0.0.1:9/v1"})))
    retired = DrainingClients(rest_seconds=60)
    retired.add(old)
    reading = old.refresh(wanted=True)
    await retired.sweep()
    assert not old.upstream.http.is_closed
    await retired.close()
    assert old.upstream.http.is_closed
    assert reading is not None
    assert reading.done()
    assert not old.upstream.is_in_use


async def _idle(old: ModelList) -> bool:
    return not old.upstream.is_in_use
