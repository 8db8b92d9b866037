"""The environment that the services read their settings from, as the supervisor makes it."""

import os

from basechat.embedded import postgres, redis
from basechat.embedded.address import Address
from basechat.embedded.embed import NAME as EMBED
from basechat.embedded.layout import Layout
from basechat.embedded.model import NAME as MODEL
from basechat.embedded.python_services import AGENT, TOOLS
from basechat.kit.config import Settings, load_settings


def adopt_environment(layout: Layout, address: Address, *, local_model: bool, local_embed: bool) -> Settings:
    """Set what the stack decides, keep what the person decided, and check the whole before any service starts.

    The services are copies of this process, so they inherit it. `.env` and variables like OPENAI_API_KEY are theirs to
    read; where the parts of this stack lie is not open to choice.
    """
    os.environ.update(
        {
            "SECRETS_DIR": str(layout.secrets),
            "DATABASE_URL": postgres.url(layout),
            "REDIS_URL": redis.url(layout, redis.CACHE),
            "REDIS_STATE_URL": redis.url(layout, redis.STATE),
            "LLM_AGENT_URL": f"unix:{layout.socket(AGENT)}",
            "MCP_SERVER_URL": f"unix:{layout.socket(TOOLS)}",
            "NGINX_PORT": str(address.port),
        }
    )
    if local_model:
        os.environ["LOCAL_MODEL_URL"] = f"unix:{layout.socket(MODEL)}"
    if local_embed:
        os.environ["LOCAL_EMBED_URL"] = f"unix:{layout.socket(EMBED)}"
    settings = load_settings()
    if "public_url" not in settings.model_fields_set:
        os.environ["PUBLIC_URL"] = address.url
    return settings
