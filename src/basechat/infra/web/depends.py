"""The dependency that gives FastAPI's routes the resources of their service; apart, as llm-agent has no FastAPI."""

from typing import Annotated

from fastapi import Depends, Request

from basechat.infra.resources import Resources


async def resources_of(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(resources_of)]
