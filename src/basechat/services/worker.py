"""worker: executes runs and jobs. Its HTTP routes are for monitoring only."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette

from basechat.assistant.model import ModelClient
from basechat.assistant.titles import ModelTitler
from basechat.chat.jobs.runner import JobRunner, RunnerParts
from basechat.chat.runs.reap import REAPER_SECONDS, Reaper
from basechat.chat.runs.worker import RunWorker, WorkerParts
from basechat.chat.titles import TITLE_JOB, TitleJobs
from basechat.identity.credentials import delete_expired_sessions
from basechat.infra.background import background
from basechat.infra.events.writer import LogWriter
from basechat.infra.redis import open_redis
from basechat.infra.resources import Resources
from basechat.infra.schema import wait_for_schema
from basechat.kit.config import Settings
from basechat.ops.monitoring import monitoring_routes
from basechat.ops.rollup import EVERY_SECONDS as ROLL_UP_SECONDS
from basechat.ops.rollup import RollUp
from basechat.services.assistant import open_assistant
from basechat.services.wiring import open_resources
from basechat.toolbox import receipts


def create_app(settings: Settings) -> Starlette:

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_resources(settings, service="worker") as resources:
            await wait_for_schema(resources.database.system)
            app.state.resources = resources
            async with working(resources):
                yield

    app = Starlette(lifespan=lifespan)
    app.router.routes.extend(monitoring_routes(lambda: app.state.resources, needs_database=True))
    return app


@asynccontextmanager
async def working(
    resources: Resources, *, reaper_seconds: float = REAPER_SECONDS, roll_up_seconds: float = ROLL_UP_SECONDS
) -> AsyncIterator[None]:
    settings = resources.settings
    async with AsyncExitStack() as stack:
        queue, job_queue = (open_redis(settings.state_redis_url, max_connections=1) for _ in range(2))
        log_client = open_redis(settings.state_redis_url, max_connections=1, retries=0)
        for client in (queue, job_queue, log_client):
            stack.push_async_callback(client.aclose)
        model = ModelClient(resources.agent)
        parts = WorkerParts(
            settings=settings,
            database=resources.database,
            state=resources.state,
            queue=queue,
            writer=LogWriter(log_client, resources.encryptor),
            answerer=await stack.enter_async_context(open_assistant(resources, model)),
        )
        reaper = Reaper(
            resources.database,
            resources.state,
            # Four rounds for each lease, so that tests and operators with short leases get short takeovers.
            every_seconds=min(reaper_seconds, settings.run_lease_seconds / 4),
            grace_seconds=2 * settings.run_heartbeat_seconds,
            housekeeping=(delete_expired_sessions, receipts.delete_expired),
        )
        runs = RunWorker(parts)
        jobs = JobRunner(
            RunnerParts(
                settings=settings,
                database=resources.database,
                state=resources.state,
                queue=job_queue,
                handlers={TITLE_JOB: TitleJobs(resources.database, ModelTitler(model))},
                is_busy=lambda: runs.is_busy,
            )
        )
        roll_up = RollUp(resources.database, resources.state, every_seconds=roll_up_seconds)
        async with background(reaper.run(), roll_up.run()), runs.working(), jobs.working():
            yield
