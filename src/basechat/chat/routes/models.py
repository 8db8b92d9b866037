"""The HTTP route of the models that can be chosen."""

from fastapi import APIRouter
from pydantic import BaseModel

from basechat.identity.access import ChatCaller
from basechat.infra.agent_client import caller_for
from basechat.infra.web.depends import ResourcesDep

router = APIRouter(tags=["models"])


class Model(BaseModel):
    """A model and who provides it."""

    id: str
    provider: str


class Models(BaseModel):
    """All models, the default first."""

    items: list[Model]
    next_cursor: None = None


@router.get("/models")
async def list_models(caller: ChatCaller, resources: ResourcesDep) -> Models:
    """List the models that can be chosen now."""
    listed = await resources.agent.list_models(caller_for(caller.user_id))
    return Models(items=[Model(id=model["id"], provider=model["owned_by"]) for model in listed])
