"""mcp-server: BaseChat's own tools over MCP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from basechat.infra.schema import wait_for_schema
from basechat.infra.web.middleware import RequestContext
from basechat.kit.config import Settings
from basechat.ops.monitoring import monitoring_routes
from basechat.services.wiring import open_resources
from basechat.toolbox.access import ToolAccess
from basechat.toolbox.server import build_app, build_server


def create_app(settings: Settings) -> Starlette:

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_resources(settings, service="mcp-server") as resources:
            tools = build_app(build_server(settings, resources.database))
            async with tools.router.lifespan_context(tools):
                await wait_for_schema(resources.database.system)
                app.state.resources = resources
                app.state.tools = ToolAccess(tools, resources=resources)
                yield

    async def guarded_tools(scope: Scope, receive: Receive, send: Send) -> None:
        await app.state.tools(scope, receive, send)

    app = Starlette(lifespan=lifespan)
    app.router.routes.extend(monitoring_routes(lambda: app.state.resources, needs_database=False))
    app.router.routes.append(Mount("/", guarded_tools))
    app.add_middleware(RequestContext)
    return app
