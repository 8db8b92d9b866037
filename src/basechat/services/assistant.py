"""Builds the assistant from its parts."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import UUID

from basechat.assistant.context.budget import ModelWindows
from basechat.assistant.context.prompt import PromptParts
from basechat.assistant.graph import Assistant
from basechat.assistant.intent.choice import ToolChooser
from basechat.assistant.model import ModelClient
from basechat.assistant.tools import OutsideServers, ToolRegistry, ToolServer
from basechat.chat.runs.checkpoints import RunCheckpoints
from basechat.chat.runs.lease import StoredSummaries
from basechat.chat.runs.tools.ledger import ToolLedger
from basechat.infra.background import background
from basechat.infra.cache.store import Cache
from basechat.infra.db import retry_transient
from basechat.infra.embeddings import Embeddings
from basechat.infra.mcp.connections import McpConnections, OwnServer, open_connections
from basechat.infra.resources import Resources
from basechat.toolbox.servers.store import load_servers


@asynccontextmanager
async def open_assistant(resources: Resources, model: ModelClient) -> AsyncIterator[Assistant]:
    settings, agent = resources.settings, resources.agent
    cache = Cache(resources.cache, settings, resources.counters)
    async with AsyncExitStack() as stack:
        connections = await stack.enter_async_context(open_connections(settings))
        windows = ModelWindows(agent, default=settings.context_window)
        stack.push_async_callback(windows.close)
        chooser = ToolChooser(Embeddings(agent, model=settings.embeds_with), cache)
        stack.push_async_callback(chooser.close)
        own = OwnServer(connections, resources.secret)
        await stack.enter_async_context(background(own.run()))
        yield Assistant(
            PromptParts(model=model, windows=windows, summaries=StoredSummaries(resources.database)),
            chooser=chooser,
            registry=ToolRegistry(own=own, outside=_outside(resources, connections)),
            ledger=ToolLedger(resources.database),
            cache=cache,
            checkpoints=RunCheckpoints(resources.database),
        )


def _outside(resources: Resources, connections: McpConnections) -> OutsideServers:
    async def load(owner_id: UUID, names: Collection[str]) -> list[ToolServer]:
        found = await retry_transient(
            lambda: load_servers(resources.database, owner_id, resources.secret, names=list(names))
        )
        return [
            ToolServer(
                name=each.name,
                identity=f"{each.id} {each.endpoint.url or each.endpoint.command}",
                specs=each.tools,
                connect=partial(each.endpoint.connect, connections),
            )
            for each in found
        ]

    return load
