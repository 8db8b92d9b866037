"""HTTP routes that start, watch and cancel runs."""

import logging
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response, status

from basechat.chat.documents import Document
from basechat.chat.runs.accept import Accepted, accept_message
from basechat.chat.runs.cancel import cancel_run
from basechat.chat.runs.find import get_run
from basechat.chat.runs.watch import Watcher, check_event_id
from basechat.chat.schemas import Accepted as AcceptedOut
from basechat.chat.schemas import NewMessage, Run
from basechat.identity.access import ChatCaller
from basechat.infra.events.entry import STARTED_ID, Entry, begin_log, to_entry
from basechat.infra.queue import add_wake
from basechat.infra.redis import REDIS_AWAY
from basechat.infra.resources import Resources, ResourcesDep
from basechat.infra.web.event_stream import EventStream
from basechat.protocol import RunStarted

log = logging.getLogger(__name__)

router = APIRouter(tags=["runs"])

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]

_STREAM = {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "The run's events."}


@router.post(
    "/sessions/{session_id}/messages",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=AcceptedOut,
    responses={200: _STREAM},
)
async def send_message(
    session_id: UUID,
    body: NewMessage,
    request: Request,
    caller: ChatCaller,
    resources: ResourcesDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Store a message and answer it.

    With `Accept: text/event-stream` the answer is the run's event stream, else 202 and the run to watch.
    """
    accepted = await accept_message(
        resources.database, caller.user_id, session_id, body, idempotency_key=idempotency_key
    )
    started = _started(accepted)
    if accepted.is_new:
        await _announce(resources, accepted, started)
    headers = {"location": f"/api/runs/{accepted.run['id']}"}
    if "text/event-stream" in request.headers.get("accept", ""):
        watcher = Watcher(resources, caller.user_id, accepted.run)
        return EventStream(watcher.from_start(started) if accepted.is_new else watcher.after("0-0"), headers)
    return Response(started.data, status_code=202, headers=headers, media_type="application/json")


@router.get("/runs/{run_id}", response_model=Run)
async def read_run(run_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Document:
    """Return a run."""
    return await get_run(resources.database, caller.user_id, run_id)


@router.get("/runs/{run_id}/events", status_code=200, response_class=EventStream, responses={200: _STREAM})
async def watch_run(
    run_id: UUID,
    caller: ChatCaller,
    resources: ResourcesDep,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> EventStream:
    """Stream a run's events: all of them, or those after `Last-Event-ID`; then live, to the end."""
    run = await get_run(resources.database, caller.user_id, run_id)
    after = check_event_id(run, last_event_id)
    return EventStream(Watcher(resources, caller.user_id, run).after(after))


@router.post("/runs/{run_id}/cancel", status_code=status.HTTP_202_ACCEPTED, response_model=Run)
async def cancel(run_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Document:
    """Stop a run. The text so far is kept; a run that has ended stays as it ended."""
    await cancel_run(resources, caller.user_id, run_id)
    return await get_run(resources.database, caller.user_id, run_id)


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
            begin_log(pipeline, run_id, started)
            if accepted.is_ready:
                add_wake(pipeline, run_id)
            await pipeline.execute()
    except REDIS_AWAY as error:
        log.warning("run %s waits for the reaper: %s", run_id, error)
