"""The committed generated files are up to date."""

from pathlib import Path

from basechat.services.openapi import openapi_document
from basechat.services.run_events import run_events_types

ROOT = Path(__file__).parents[2]


def test_openapi_document_is_up_to_date() -> None:
    """If not: `.venv/bin/python -m basechat.services.openapi docs/openapi.json`, then `npm run types` in `web/`."""
    assert (ROOT / "docs/openapi.json").read_text() == openapi_document()


def test_run_events_of_the_web_app_are_up_to_date() -> None:
    """If not: `.venv/bin/python -m basechat.services.run_events web/lib/api/run-events.ts`."""
    assert (ROOT / "web/lib/api/run-events.ts").read_text() == run_events_types()
