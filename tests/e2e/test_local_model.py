"""A first chat needs no key: the local model answers."""

import pytest

from tests.e2e.site import Site
from tests.support.person import Person, text_of

pytestmark = pytest.mark.stack

LOCAL = "smollm2-135m-instruct"


async def test_the_local_model_answers(site: Site, person: Person) -> None:
    offered = (await person.get("/models")).json["items"]
    assert {"id": LOCAL, "provider": "local"} in offered

    chat = await person.chat()
    events = await person.send(chat, "What is the capital of France?", model=LOCAL, temperature=0, max_tokens=48)

    assert [events[0].event, events[-1].event] == ["run.started", "message.completed"]
    assert sum(event.event == "message.delta" for event in events) > 1
    stored = (await person.messages(chat))[-1]
    assert text_of(events) == stored["content"]
    assert "Paris" in stored["content"]
    assert stored["model_used"] == LOCAL
    assert 0 < stored["tokens_used"] <= 200
    assert stored["run"]["status"] == "completed"
    assert not site.upstream.completions
