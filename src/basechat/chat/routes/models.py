"""The HTTP route of the models that can be chosen."""

import aiohttp
from fastapi import APIRouter
from pydantic import BaseModel

from basechat.identity.access import ChatCaller
from basechat.infra.resources import ResourcesDep
from basechat.kit import json
from basechat.kit.errors import UnavailableError
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

router = APIRouter(tags=["models"])

_TIMEOUT = aiohttp.ClientTimeout(total=10)


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
    signed = sign_caller(
        Caller(owner_id=caller.user_id, run_id=None, attempt=0), key=resources.secret, audience="llm-agent"
    )
    try:
        async with resources.agent.get(
            f"{resources.agent_url}/v1/models", headers={INTERNAL_HEADER: signed}, timeout=_TIMEOUT
        ) as response:
            response.raise_for_status()
            listed = json.loads(await response.read())["data"]
    except (aiohttp.ClientError, TimeoutError):
        raise UnavailableError("The model gateway does not answer now.", code="model.unavailable") from None
    return Models(items=[Model(id=model["id"], provider=model["owned_by"]) for model in listed])
