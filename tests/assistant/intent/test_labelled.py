"""For nine of ten labelled messages, the twelve tools offered of forty include the needed ones."""

import re

import aiohttp
import pytest

from basechat.assistant.intent.choice import ToolChooser
from basechat.infra.agent_client import AgentClient
from basechat.infra.cache.store import Cache
from basechat.infra.embeddings import Embeddings
from tests.assistant.intent.conftest import LIMIT
from tests.assistant.intent.labelled import Labelled, read
from tests.support.stack import Servers
from tests.toolbox.tools import NOBODY

ENOUGH, ENOUGH_BY_WORDS = 0.9, 0.85


async def test_the_labelled_messages_are_complete(servers: Servers) -> None:
    counted = await read("labelled", servers.settings())
    korean = [each for each in counted.messages if re.search("[가-힣]", each.text)]
    assert (len(counted.tools), len(counted.messages), len(korean)) == (40, 60, 30)
    tuned = await read("tuning", servers.settings())
    assert not {each.text for each in counted.messages} & {each.text for each in tuned.messages}
    names = {tool.name for tool in counted.tools}
    assert {need for each in counted.messages for need in each.needs} <= names


@pytest.mark.parametrize("name", ["labelled", "tuning"])
async def test_the_needed_tools_are_offered(name: str, servers: Servers, real: ToolChooser) -> None:
    labelled = await read(name, servers.settings())
    missed, count = await _missed(real, labelled)
    assert len(missed) <= (1 - ENOUGH) * count, missed


@pytest.mark.parametrize("name", ["labelled", "tuning"])
async def test_words_alone_find_most_of_the_needed_tools(name: str, servers: Servers, cache: Cache) -> None:
    labelled = await read(name, servers.settings())
    async with aiohttp.ClientSession() as http:
        embeddings = Embeddings(AgentClient(http, "http://127.0.0.1:9", b""), model=None)
        missed, count = await _missed(ToolChooser(embeddings, cache, limit=LIMIT), labelled)
    assert len(missed) <= (1 - ENOUGH_BY_WORDS) * count, missed


async def _missed(chooser: ToolChooser, labelled: Labelled) -> tuple[list[str], int]:
    """Messages whose needed tools are not offered, and the number of messages that need a tool."""
    messages = [message for message in labelled.messages if message.needs]
    missed = []
    for message in messages:
        chosen = await chooser.choose(message.text, labelled.tools, owner_id=NOBODY)
        assert len(chosen) == LIMIT
        if not set(message.needs) <= set(chosen):
            missed.append(message.text)
    return missed, len(messages)
