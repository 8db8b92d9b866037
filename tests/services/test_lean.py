"""What is left out of a lean service: it says so where it is used, and nothing else is any different."""

import sys

import redis.observability.providers
import sqlalchemy.ext.asyncio
import uvicorn

from basechat.services.lean import MISSING, STOOD_IN, lean_imports
from tests.services.interpreter import run_python

_LEAN = "from basechat.services.lean import lean_imports\nwith lean_imports():\n"


def test_a_stand_in_says_what_it_stands_for() -> None:
    shown = run_python(
        f"{_LEAN}    from sqlalchemy.ext.asyncio import AsyncSession\n"
        "try:\n    AsyncSession()\nexcept RuntimeError as error:\n    print(error)"
    )
    assert shown == (
        "sqlalchemy.ext.asyncio.session.AsyncSession is left out of this process (basechat.services.lean)\n"
    )


def test_what_is_left_out_can_be_imported_later() -> None:
    shown = run_python(
        f"{_LEAN}    import redis, sqlalchemy.ext.asyncio, uvicorn\n"
        "from opentelemetry.sdk.metrics import MeterProvider\n"
        "from sqlalchemy.ext.asyncio.session import AsyncSession\n"
        "from uvicorn.main import run\n"
        "print(MeterProvider.__name__, AsyncSession.__name__, run.__name__)"
    )
    assert shown == "MeterProvider AsyncSession run\n"


def test_redis_goes_as_if_the_sdk_were_not_installed() -> None:
    shown = run_python(f"{_LEAN}    from redis.observability.providers import OTEL_AVAILABLE\nprint(OTEL_AVAILABLE)")
    assert shown == "False\n"
    assert redis.observability.providers.OTEL_AVAILABLE


def test_what_was_imported_before_stays() -> None:
    names = (*STOOD_IN, *MISSING)
    assert sqlalchemy.ext.asyncio
    assert uvicorn
    before = [sys.modules[name] for name in names]
    with lean_imports():
        assert [sys.modules[name] for name in names] == before
    assert [sys.modules[name] for name in names] == before
