"""The needed tool is among the twelve offered of forty, and recall is right, for nine of ten labelled messages."""

import re
from collections.abc import Sequence

import pytest

from basechat.assistant.intent.decision import Intent
from basechat.assistant.intent.intents import Intents
from tests.assistant.intent.conftest import LIMIT
from tests.assistant.intent.labelled import Labelled, Message, read
from tests.support.stack import Servers
from tests.toolbox.tools import NOBODY

ENOUGH = 0.9

Judged = Sequence[tuple[Message, Intent]]


@pytest.fixture(scope="module", params=["labelled", "tuning"])
async def labelled(request: pytest.FixtureRequest, servers: Servers) -> Labelled:
    """Messages that count, and those that the ranking was tuned on."""
    return await read(request.param, servers.settings())


@pytest.fixture(scope="module")
async def judged(labelled: Labelled, real: Intents) -> Judged:
    """Each message with what was decided."""
    decided = [await real.decide(each.text, labelled.tools, owner_id=NOBODY) for each in labelled.messages]
    return list(zip(labelled.messages, decided, strict=True))


async def test_the_messages_are_what_they_should_be(servers: Servers) -> None:
    counted = await read("labelled", servers.settings())
    korean = [each for each in counted.messages if re.search("[가-힣]", each.text)]
    assert (len(counted.tools), len(counted.messages), len(korean)) == (40, 60, 30)
    tuned = await read("tuning", servers.settings())
    assert not {each.text for each in counted.messages} & {each.text for each in tuned.messages}
    names = {tool.name for tool in counted.tools}
    assert {need for each in counted.messages for need in each.needs} <= names


async def test_the_needed_tools_are_offered(judged: Judged) -> None:
    with_need = [(message, intent) for message, intent in judged if message.needs]
    missed = [
        (message.text, intent.tools) for message, intent in with_need if not set(message.needs) <= set(intent.tools)
    ]
    assert len(missed) <= (1 - ENOUGH) * len(with_need), missed
    assert all(len(intent.tools) == LIMIT for _, intent in judged)


async def test_recall_is_right(judged: Judged) -> None:
    wrong = [message.text for message, intent in judged if intent.recall != message.recall]
    assert len(wrong) <= (1 - ENOUGH) * len(judged), wrong


async def test_the_language_is_right(judged: Judged) -> None:
    for message, intent in judged:
        assert intent.language == ("ko" if re.search("[가-힣]", message.text) else "en"), message.text
