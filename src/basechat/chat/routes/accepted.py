"""How a call that starts a run is answered: by the run's events, or by 202 and the run to watch."""

import logging
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Request, Response

from basechat.chat.runs.accepted import Accepted
from basechat.chat.runs.watch import Watcher
from basechat.infra.events.entry import STARTED_ID, Entry, begin_log, to_entry
from basechat.infra.queue import add_wake
from basechat.infra.redis import REDIS_ERRORS
from basechat.infra.resources import Resources
from basechat.infra.web.event_stream import EventStream
from basechat.protocol import RunStarted

log = logging.getLogger(__name__)

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]

EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "The run's events."}
}


async def respond(resources: Resources, owner_id: UUID, accepted: Accepted, request: Request) -> Response:
    """Begin a new run's log, wake a worker, and answer as `Accept` asks."""
    started = _started(accepted)
    if accepted.is_new:
        await _announce(resources, accepted, started)
    headers = {"location": f"/api/runs/{accepted.run['id']}"}
    if "text/event-stream" in request.headers.get("accept", ""):
        watcher = Watcher(resources, owner_id, accepted.run)
        return EventStream(watcher.from_start(started) if accepted.is_new else watcher.after("0-0"), headers)
    return Response(started.data, status_code=202, headers=headers, media_type="application/json")


def _started(accepted: Accepted) -> Entry:
    event = RunStarted(
        run=accepted.run, user_message=accepted.user_message, assistant_message=accepted.assistant_message
    )
    return to_entry(STARTED_ID, event)


async def _announce(resources: Resources, accepted: Accepted, started: Entry) -> None:
    """Begin the run's log and wake a worker, in one round trip; with Redis away the reaper does the second."""
    run_id = accepted.run["id"]
    try:
        async with resources.state.pipeline(transaction=False) as pipeline:
            begin_log(pipeline, run_id, started, resources.encryptor)
            if accepted.is_ready:
                add_wake(pipeline, run_id)
            await pipeline.execute()
    except REDIS_ERRORS as error:
        log.warning("run %s waits for the reaper: %s", run_id, error)
