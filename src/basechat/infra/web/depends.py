"""What FastAPI's routes are handed: the resources of the service that they belong to."""

from typing import Annotated

from fastapi import Depends, Request

from basechat.infra.resources import Resources


async def resources_of(request: Request) -> Resources:
    """Return the resources of the app that answers this request."""
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(resources_of)]
