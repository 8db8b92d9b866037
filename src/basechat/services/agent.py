"""llm-agent: the gateway to every model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from basechat.infra.schema import wait_for_schema
from basechat.infra.telemetry import ServerSpans
from basechat.infra.web.middleware import BodyLimit, RequestContext
from basechat.kit.config import Settings
from basechat.llm.gateway import open_gateway
from basechat.llm.providers.configured import load_configured
from basechat.llm.providers.updates import REFRESH_SECONDS
from basechat.llm.routes import BODY_LIMIT, ROUTES, add_gateway_errors
from basechat.ops.monitoring import monitoring_routes
from basechat.services.wiring import open_resources


def create_app(settings: Settings, *, refresh_seconds: float = REFRESH_SECONDS) -> Starlette:
    configured = load_configured(settings)  # raises errors of the settings before anything is opened

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_resources(settings, service="llm-agent") as resources:
            await wait_for_schema(resources.database.system)
            app.state.resources = resources
            async with open_gateway(resources, configured, refresh_seconds) as app.state.gateway:
                yield

    monitoring = monitoring_routes(lambda: app.state.resources, needs_database=False)
    app = Starlette(routes=[*ROUTES, *monitoring], lifespan=lifespan)
    add_gateway_errors(app)
    app.add_middleware(BodyLimit, max_bytes=BODY_LIMIT)
    if settings.otel_exporter_otlp_endpoint:
        app.add_middleware(ServerSpans)
    app.add_middleware(RequestContext)
    return app
