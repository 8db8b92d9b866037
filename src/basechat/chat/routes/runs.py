"""HTTP routes that start, watch, cancel and continue runs."""

import logging
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response, status

from basechat.chat.messages import Document, get_run
from basechat.chat.runs.accept import AcceptedRun, accept_message
from basechat.chat.runs.branch import edit, regenerate
from basechat.chat.runs.cancel import cancel_run
from basechat.chat.runs.tools.approve import decide_call
from basechat.chat.runs.watch import Watcher, check_event_id
from basechat.chat.schemas import Accepted, ApprovalDecision, EditedMessage, NewMessage, Regeneration, Run
from basechat.identity.access import ChatCaller
from basechat.infra.events.entry import STARTED_ID, RunLogEntry, begin_log, to_entry
from basechat.infra.redis import REDIS_ERRORS
from basechat.infra.redis.signals import add_wake
from basechat.infra.resources import Resources
from basechat.infra.web.depends import ResourcesDep
from basechat.infra.web.streaming import EventStream
from basechat.protocol import RunStarted

log = logging.getLogger(__name__)

router = APIRouter(tags=["runs"])

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]

EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "The events of the run."}
}


@router.post(
    "/sessions/{session_id}/messages",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Accepted,
    responses=EVENT_STREAM,
)
async def send_message(
    session_id: UUID,
    body: NewMessage,
    request: Request,
    caller: ChatCaller,
    resources: ResourcesDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send a message.

    With `Accept: text/event-stream` the response is the event stream of the run, otherwise 202 and the run.
    """
    accepted = await accept_message(
        resources.database, caller.user_id, session_id, body, idempotency_key=idempotency_key
    )
    return await _respond(resources, caller.user_id, accepted, request)


@router.post(
    "/messages/{message_id}/regenerate",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Accepted,
    responses=EVENT_STREAM,
)
async def regenerate_answer(
    message_id: UUID,
    request: Request,
    caller: ChatCaller,
    resources: ResourcesDep,
    body: Regeneration | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Regenerate an answer on a new branch. The response is the same as for a new message."""
    accepted = await regenerate(resources.database, caller.user_id, message_id, body or Regeneration(), idempotency_key)
    return await _respond(resources, caller.user_id, accepted, request)


@router.post(
    "/messages/{message_id}/edit",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Accepted,
    responses=EVENT_STREAM,
)
async def edit_message(
    message_id: UUID,
    body: EditedMessage,
    request: Request,
    caller: ChatCaller,
    resources: ResourcesDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Edit a message: send other content on a new branch. The response is the same as for a new message."""
    accepted = await edit(resources.database, caller.user_id, message_id, body, idempotency_key)
    return await _respond(resources, caller.user_id, accepted, request)


@router.get("/runs/{run_id}", response_model=Run)
async def read_run(run_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Document:
    """Get a run."""
    return await _get_run(resources, caller.user_id, run_id)


@router.get("/runs/{run_id}/events", status_code=200, response_class=EventStream, responses=EVENT_STREAM)
async def watch_run(
    run_id: UUID,
    caller: ChatCaller,
    resources: ResourcesDep,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> EventStream:
    """Stream the events of a run until it ends: all events, or those after `Last-Event-ID`."""
    run = await _get_run(resources, caller.user_id, run_id)
    after = check_event_id(run, last_event_id)
    return EventStream(Watcher(resources.database, resources.tail, caller.user_id, run).after(after))


@router.post("/runs/{run_id}/cancel", status_code=status.HTTP_202_ACCEPTED, response_model=Run)
async def cancel(run_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Document:
    """Cancel a run. The text so far is kept; a run that has ended does not change."""
    await cancel_run(resources.database, resources.state, resources.encryptor, caller.user_id, run_id)
    return await _get_run(resources, caller.user_id, run_id)


@router.post("/runs/{run_id}/approvals", status_code=status.HTTP_202_ACCEPTED, response_model=Run)
async def answer_approval(
    run_id: UUID, body: ApprovalDecision, caller: ChatCaller, resources: ResourcesDep
) -> Document:
    """Decide about a tool call that waits for approval: allow it once, always in this chat, or deny it.

    `arguments` replace the arguments of the model; they must match the schema of the tool.
    """
    await decide_call(resources.database, resources.state, caller.user_id, run_id, body)
    return await _get_run(resources, caller.user_id, run_id)


async def _respond(resources: Resources, owner_id: UUID, accepted: AcceptedRun, request: Request) -> Response:
    """Begin the live log of a new run, wake a worker, and respond as `Accept` demands."""
    event = RunStarted(
        run=accepted.run, user_message=accepted.user_message, assistant_message=accepted.assistant_message
    )
    started = to_entry(STARTED_ID, event)
    if accepted.is_new:
        await _announce(resources, accepted, started)
    headers = {"location": f"/api/runs/{accepted.run['id']}"}
    if "text/event-stream" in request.headers.get("accept", ""):
        watcher = Watcher(resources.database, resources.tail, owner_id, accepted.run)
        return EventStream(watcher.from_start(started) if accepted.is_new else watcher.after("0-0"), headers)
    return Response(started.data, status_code=202, headers=headers, media_type="application/json")


async def _announce(resources: Resources, accepted: AcceptedRun, started: RunLogEntry) -> None:
    """Begin the live log and wake a worker, in one round trip. While Redis is away, the reaper wakes a worker."""
    run_id = accepted.run["id"]
    try:
        async with resources.state.pipeline(transaction=False) as pipeline:
            begin_log(pipeline, run_id, started, resources.encryptor)
            if accepted.is_ready:
                add_wake(pipeline, run_id)
            await pipeline.execute()
    except REDIS_ERRORS as error:
        log.warning("run %s waits for the reaper: %s", run_id, error)


async def _get_run(resources: Resources, owner_id: UUID, run_id: UUID) -> Document:
    async with resources.database.owner_transaction(owner_id) as connection:
        return await get_run(connection, owner_id, run_id)
