"""The internal header names its caller, and only a service with the key can create it."""

from base64 import urlsafe_b64encode
from uuid import uuid4

import pytest

from basechat.kit import json
from basechat.protocol import Caller, sign_caller, verify_caller

KEY = b"k" * 32
CALLERS = [
    Caller(owner_id=uuid4(), run_id=uuid4(), attempt=3),
    Caller(owner_id=uuid4(), run_id=None, attempt=0),
]


def _signed(**options: object) -> str:
    return sign_caller(CALLERS[0], **({"key": KEY, "audience": "llm-agent"} | options))  # type: ignore[arg-type]


@pytest.mark.parametrize("caller", CALLERS)
def test_the_caller_arrives(caller: Caller) -> None:
    signed = sign_caller(caller, key=KEY, audience="llm-agent")
    assert verify_caller(signed, key=KEY, audience="llm-agent") == caller


@pytest.mark.parametrize(
    "signed",
    [_signed(key=b"x" * 32), _signed(audience="mcp-server"), _signed(ttl_seconds=-1)],
    ids=["another key", "another audience", "expired"],
)
def test_a_header_for_another_service_is_invalid(signed: str) -> None:
    assert verify_caller(signed, key=KEY, audience="llm-agent") is None


def test_changed_claims_are_invalid() -> None:
    _, mac = _signed().split(".")
    claims = {"owner_id": str(uuid4()), "run_id": None, "attempt": 0, "aud": "llm-agent", "exp": 9_999_999_999}
    forged = f"{urlsafe_b64encode(json.dumps(claims)).decode()}.{mac}"
    assert verify_caller(forged, key=KEY, audience="llm-agent") is None


@pytest.mark.parametrize(
    "value", ["", ".", "a", "a.b", "a.b.c", "!!!!.????", "가.나", "\x00.\x00", "." * 50, "e30=.e30="]
)
def test_a_malformed_header_is_invalid(value: str) -> None:
    assert verify_caller(value, key=KEY, audience="llm-agent") is None
