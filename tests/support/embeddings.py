"""Embeddings through a separate gateway, in front of the real local model or the upstream."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from basechat.embedded.layout import Layout
from basechat.embedded.process import running
from basechat.embedded.servers import models
from basechat.infra.agent_client import open_agent_client
from basechat.infra.embeddings import Embeddings
from basechat.services import agent
from tests.support.stack import Servers, serving


@asynccontextmanager
async def embeddings_through(servers: Servers, **providers: Any) -> AsyncIterator[Embeddings]:
    """Run a gateway with these settings; yields its client."""
    socket = f"{servers.folder}/agent-{uuid4().hex[:8]}.sock"
    settings = servers.settings(llm_agent_url=f"unix:{socket}", **providers)
    async with serving(agent.create_app(settings), socket), open_agent_client(settings) as client:
        yield Embeddings(client, model=settings.embeds_with)


@asynccontextmanager
async def local_embeddings(servers: Servers) -> AsyncIterator[Embeddings]:
    """Run the real model behind a gateway."""
    layout: Layout = servers.layout
    with running(models.embed_service(layout)):
        url = f"unix:{layout.socket(models.EMBED)}"
        async with embeddings_through(servers, local_embed_url=url) as client:
            yield client
