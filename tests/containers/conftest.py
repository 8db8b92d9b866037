"""One deployment for all tests of this folder, and its first account."""

from collections.abc import Iterator

import pytest

from tests.containers.client import Client
from tests.containers.deployment import Deployment, deployed, engine_trouble


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The result of `cp env.example .env` and `docker-compose up -d --wait`."""
    trouble = engine_trouble()
    if trouble:
        pytest.skip(f"NO CONTAINER ENGINE, SO THE CONTAINERS ARE NOT TRIED: {trouble}")
    with deployed(tmp_path_factory.mktemp("clone")) as running:
        yield running


@pytest.fixture(scope="session")
def admin(deployment: Deployment) -> Client:
    """The first account, registered from this machine, which is another machine for the containers."""
    client = Client(deployment.web_port)
    body = {"username": "ann", "email": "ann@example.org", "password": "correct horse"}
    status, problem = client.ask("POST", "/api/auth/register", body)
    assert (status, problem["code"]) == (403, "auth.setup_token_required")
    token = deployment.run("docker-compose exec main-backend cat /run/basechat/secrets/setup_token").strip()
    status, answer = client.ask("POST", "/api/auth/register", {**body, "invitation": token})
    assert (status, answer["user"]["role"]) == (201, "admin")
    client.token = answer["token"]
    return client
