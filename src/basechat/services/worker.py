"""worker: executes runs; over HTTP it tells its health alone."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import UUID

from starlette.applications import Starlette

from basechat.assistant.context.branch import PromptParts
from basechat.assistant.context.windows import Windows
from basechat.assistant.graph import Assistant
from basechat.assistant.model import ModelClient
from basechat.assistant.tools.bench import Workbench
from basechat.assistant.tools.offer import OutsideServers, ToolServer
from basechat.assistant.tools.own import OwnTools
from basechat.chat.runs.checkpoints import RunCheckpoints
from basechat.chat.runs.reap import Reaper
from basechat.chat.runs.summaries import StoredSummaries
from basechat.chat.runs.tools.ledger import CallLedger
from basechat.chat.runs.worker import RunWorker, WorkerParts
from basechat.infra.background import background
from basechat.infra.cache.store import Cache
from basechat.infra.events.writer import LogWriter
from basechat.infra.mcp.connections import McpConnections, open_connections
from basechat.infra.migrate import wait_for_schema
from basechat.infra.redis import open_redis
from basechat.infra.resources import Resources
from basechat.kit.config import Settings
from basechat.ops.health import health_routes
from basechat.services.wiring import open_resources
from basechat.toolbox.servers.outside import load_servers


def create_app(settings: Settings) -> Starlette:
    """Return the app; it works while it runs."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_resources(settings) as resources:
            await wait_for_schema(resources.database.system)
            app.state.resources = resources
            async with working(resources):
                yield

    app = Starlette(lifespan=lifespan)
    app.router.routes.extend(health_routes(lambda: app.state.resources, needs_database=True))
    return app


def _outside(resources: Resources, connections: McpConnections) -> OutsideServers:
    """Return what knows people's own servers."""

    async def load(owner_id: UUID, names: Collection[str]) -> list[ToolServer]:
        found = await load_servers(resources.database, owner_id, resources.secret, names=list(names))
        return [
            ToolServer(
                name=each.name,
                identity=str(each.id),
                specs=each.tools,
                connect=partial(each.endpoint.connect, connections),
            )
            for each in found
        ]

    return load


@asynccontextmanager
async def working(resources: Resources) -> AsyncIterator[None]:
    """Execute runs and repair what others left behind, in the background."""
    settings = resources.settings
    async with AsyncExitStack() as stack:
        queue, log_client = (open_redis(settings.state_redis_url, max_connections=1) for _ in range(2))
        for client in (queue, log_client):
            stack.push_async_callback(client.aclose)
        connections = await stack.enter_async_context(open_connections(settings))
        own = OwnTools()
        bench = Workbench(
            connections=connections,
            own=own,
            outside=_outside(resources, connections),
            ledger=CallLedger(resources.database),
            cache=Cache(resources.cache, settings),
            secret=resources.secret,
        )
        model = ModelClient(resources.agent, resources.agent_url, resources.secret)
        windows = Windows(resources.agent, resources.agent_url, resources.secret, default=settings.context_window)
        stack.push_async_callback(windows.close)
        prompt_parts = PromptParts(model=model, windows=windows, summaries=StoredSummaries(resources.database))
        parts = WorkerParts(
            settings=settings,
            database=resources.database,
            state=resources.state,
            queue=queue,
            writer=LogWriter(log_client),
            answerer=Assistant(prompt_parts, bench, RunCheckpoints(resources.database)),
        )
        reaper = Reaper(
            resources.database,
            resources.state,
            every_seconds=settings.reaper_seconds,
            grace_seconds=2 * settings.run_heartbeat_seconds,
        )
        async with background(reaper.run(), own.run(bench.own_server)), RunWorker(parts).working():
            yield
