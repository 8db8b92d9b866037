"""HTTP routes that start, watch and cancel runs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response, status

from basechat.chat.documents import Document
from basechat.chat.routes.accepted import EVENT_STREAM, IdempotencyKey, respond
from basechat.chat.runs.accept import accept_message
from basechat.chat.runs.branch import edit, regenerate
from basechat.chat.runs.cancel import cancel_run
from basechat.chat.runs.find import get_run
from basechat.chat.runs.tools.approve import answer_call
from basechat.chat.runs.watch import Watcher, check_event_id
from basechat.chat.schemas import Accepted, ApprovalDecision, EditedMessage, NewMessage, Regeneration, Run
from basechat.identity.access import ChatCaller
from basechat.infra.web.depends import ResourcesDep
from basechat.infra.web.event_stream import EventStream

router = APIRouter(tags=["runs"])


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
    """Store a message and answer it.

    With `Accept: text/event-stream` the answer is the run's event stream, else 202 and the run to watch.
    """
    accepted = await accept_message(
        resources.database, caller.user_id, session_id, body, idempotency_key=idempotency_key
    )
    return await respond(resources, caller.user_id, accepted, request)


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
    """Answer a message once more, on a branch beside the answer named; answered as a new message is."""
    accepted = await regenerate(resources.database, caller.user_id, message_id, body or Regeneration(), idempotency_key)
    return await respond(resources, caller.user_id, accepted, request)


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
    """Ask something else in place of a message, on a branch beside it; answered as a new message is."""
    accepted = await edit(resources.database, caller.user_id, message_id, body, idempotency_key)
    return await respond(resources, caller.user_id, accepted, request)


@router.get("/runs/{run_id}", response_model=Run)
async def read_run(run_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Document:
    """Return a run."""
    return await get_run(resources.database, caller.user_id, run_id)


@router.get("/runs/{run_id}/events", status_code=200, response_class=EventStream, responses=EVENT_STREAM)
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


@router.post("/runs/{run_id}/approvals", status_code=status.HTTP_202_ACCEPTED, response_model=Run)
async def answer_approval(
    run_id: UUID, body: ApprovalDecision, caller: ChatCaller, resources: ResourcesDep
) -> Document:
    """Let a run make a call that it waits with: once, always in this chat, or not at all.

    Arguments given here take the place of the model's; they must fit the tool's schema.
    """
    await answer_call(resources, caller.user_id, run_id, body)
    return await get_run(resources.database, caller.user_id, run_id)
