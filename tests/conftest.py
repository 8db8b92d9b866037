"""Fixtures that most tests share."""

import os
from collections.abc import AsyncIterator, Generator, Iterator
from uuid import uuid4

import aiohttp
import pytest
from hypothesis import settings

from tests.support.person import TIMEOUT, Person
from tests.support.stack import Servers, Stack, data_servers, services
from tests.upstream import Upstream, running_upstream

# Cores are shared, so time must not fail a test. A failure prints how to repeat it, and leaves no files behind.
settings.register_profile("basechat", deadline=None, database=None, print_blob=True)
settings.load_profile("basechat")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and both Valkeys, one set per test process."""
    with data_servers(tmp_path_factory.mktemp("servers")) as started:
        yield started


@pytest.fixture(scope="session")
async def stack(servers: Servers) -> AsyncIterator[Stack]:
    """All services on a scripted upstream."""
    async with running_upstream() as upstream, services(servers, upstream) as running:
        yield running


@pytest.fixture
def upstream(stack: Stack) -> Iterator[Upstream]:
    """The scripted upstream, with nothing scripted or recorded yet."""
    stack.upstream.clear()
    yield stack.upstream
    stack.upstream.clear()


@pytest.fixture
async def stranger(stack: Stack) -> AsyncIterator[Person]:
    """Somebody without an account, at this machine."""
    async with aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(stack.socket("main-backend")),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=TIMEOUT,
    ) as http:
        yield Person(http, headers={"x-real-ip": "127.0.0.1"})


@pytest.fixture
async def person(stranger: Person) -> Person:
    """A person with a new account."""
    return await register(stranger)


@pytest.fixture
async def other(stranger: Person) -> Person:
    """Somebody else."""
    return await register(stranger)


async def register(stranger: Person, name: str | None = None) -> Person:
    """Make an account."""
    name = name or f"user-{uuid4().hex[:12]}"
    body = {"username": name, "email": f"{name}@example.org", "password": "correct horse"}
    # From an address of their own, so that limits per address count each alone.
    headers = {"x-real-ip": f"127.{uuid4().int % 250}.{uuid4().int % 250}.1"}
    reply = await stranger.post("/auth/register", body, headers=headers)
    assert reply.status == 201, reply.body
    return Person(stranger.http, reply.json["token"], reply.json["user"], headers)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one: what was not tried is not known to work.

    Changed where the report is made: later, the count that decides on the exit code has been taken.
    """
    report = yield
    if report.skipped and os.environ.get("CI") == "true":  # noqa: TID251 - the environment of the test run
        report.outcome = "failed"
    return report
