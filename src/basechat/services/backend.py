"""main-backend: accounts, chats and runs over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from basechat import __version__
from basechat.chat.routes import runs, sessions
from basechat.gateway_admin.routes import router as gateway_router
from basechat.identity.registration import log_setup_token
from basechat.identity.routes import router as identity_router
from basechat.infra.background import background
from basechat.infra.mcp.connections import OwnServer, open_connections
from basechat.infra.migrate import upgrade
from basechat.infra.telemetry import ServerSpans
from basechat.infra.web.middleware import BodyLimit, RequestContext
from basechat.infra.web.problems import PROBLEM_RESPONSES, add_problem_handlers
from basechat.kit.config import Settings
from basechat.ops.caches.routes import router as caches_router
from basechat.ops.monitoring import monitoring_routes
from basechat.services.wiring import open_resources
from basechat.toolbox.notes import routes as notes
from basechat.toolbox.servers import routes as servers

BODY_LIMIT = 2_000_000
NAME = "main-backend"
POOL_SIZE, MAX_OVERFLOW = 20, 30


def create_app(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await upgrade(settings)
        async with (
            open_resources(
                settings, service="main-backend", pool_size=POOL_SIZE, max_overflow=MAX_OVERFLOW
            ) as resources,
            open_connections(settings) as mcp,
        ):
            app.state.resources, app.state.mcp = resources, mcp
            app.state.own_server = own_server = OwnServer(mcp, resources.secret)
            await log_setup_token(resources.database, resources.settings)
            async with background(resources.tail.run(), own_server.run()):
                yield

    app = FastAPI(
        title="BaseChat",
        version=__version__,
        lifespan=lifespan,
        servers=[{"url": "/api"}],
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=_operation_id,
        responses=PROBLEM_RESPONSES,
    )
    for router in (
        identity_router,
        sessions.router,
        runs.router,
        sessions.models_router,
        servers.router,
        notes.router,
        gateway_router,
        caches_router,
    ):
        app.include_router(router)
    app.router.routes.extend(monitoring_routes(lambda: app.state.resources, needs_database=True))
    add_problem_handlers(app)
    app.add_middleware(BodyLimit, max_bytes=BODY_LIMIT)
    if settings.otel_exporter_otlp_endpoint:
        app.add_middleware(ServerSpans)
    app.add_middleware(RequestContext)
    return app


def _operation_id(route: APIRoute) -> str:
    """Operations have the names of their functions, so that generated clients read well."""
    return route.name
