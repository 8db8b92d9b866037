"""`deploy/env.example`, written from the settings: every one with what it is for, secrets empty."""

import sys
from collections.abc import Iterator
from textwrap import wrap
from types import UnionType
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from basechat.kit.config import Settings

_HEAD = """\
# BaseChat's settings. Copy to .env (cp env.example .env), change what you need, then: docker-compose up -d
#
# Nothing has to be filled in. Secrets left empty (SECRET_KEY, POSTGRES_PASSWORD, SETUP_TOKEN) are made at the first
# start and kept in the volume `backend_secrets`; a value given here wins. POSTGRES_PASSWORD is given to the database
# when its volume is new; later, change it there too. Lines behind a # show the default.
#
# The first account is the administrator's, and is made with the set-up token, which is shown by:
#     docker-compose exec main-backend cat /run/basechat/secrets/setup_token
#
# Made by `python -m basechat.ops.env_example > deploy/env.example`.
"""

GROUPS = {
    "postgres_db": "PostgreSQL",
    "redis_host": "Redis",
    "nginx_port": "nginx",
    "secret_key": "Secrets and accounts",
    "llm_agent_url": "Services",
    "openai_api_key": "Models",
    "otel_exporter_otlp_endpoint": "Telemetry",
    "log_level": "Logging",
}
"""The setting with which a group begins, in the order in which they are declared, to its title."""

GUIDE = frozenset(
    f"{group}_{name}"
    for group, names in {
        "postgres": ("db", "user", "host", "port"),
        "redis": ("host", "port", "db"),
        "nginx": ("port", "ssl_port"),
    }.items()
    for name in names
)
"""Written with their values, as in the operations guide; others are written as comments."""

_COMPOSE = """\

# --- Docker Compose alone ---

# Where PostgreSQL and the caches' Redis are reached from outside: this machine alone.
# POSTGRES_PUBLISH=127.0.0.1:5432
# REDIS_PUBLISH=127.0.0.1:6379

# Memory of the caches' Redis; the least recently used goes first.
# REDIS_MAXMEMORY=256mb
"""


def render() -> str:
    """Return the text of the file."""
    return "\n".join([_HEAD.rstrip(), *_settings(), _COMPOSE])


def _settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name in GROUPS:
            yield f"\n# --- {GROUPS[name]} ---"
        yield ""
        yield from (f"# {line}" for line in wrap(field.description or "", 116))
        yield _assignment(name, field)


def _assignment(name: str, field: FieldInfo) -> str:
    if _is_secret(field.annotation) or field.is_required() or field.default is None:
        return f"{name.upper()}="
    return f"{'' if name in GUIDE else '# '}{name.upper()}={field.default}"


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or (isinstance(annotation, UnionType) and SecretStr in get_args(annotation))


if __name__ == "__main__":
    sys.stdout.write(render())
