"""What is generated is what is committed."""

from pathlib import Path

from basechat.services.openapi import openapi_document

ROOT = Path(__file__).parents[2]


def test_openapi_document_is_up_to_date() -> None:
    """If not: `.venv/bin/python -m basechat.services.openapi docs/openapi.json`, then `npm run types` in `web/`."""
    assert (ROOT / "docs/openapi.json").read_text() == openapi_document()
