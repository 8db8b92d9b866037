"""The guide's lines for nginx, and its routes."""

import pytest

from tests.containers.client import Client
from tests.containers.deployment import MARKS, Deployment

pytestmark = MARKS


def test_its_configuration(deployment: Deployment) -> None:
    assert "test is successful" in deployment.run("docker-compose exec nginx nginx -t")


def test_health(deployment: Deployment) -> None:
    assert deployment.run("curl -sS -I http://localhost/health").startswith("HTTP/1.1 200 OK")


def test_the_web_app_comes_with_its_policy(deployment: Deployment) -> None:
    headers = deployment.run("curl -sS -I http://localhost/").lower()
    assert headers.startswith("http/1.1 200 ok")
    assert "content-security-policy: default-src 'self'; script-src 'self' 'sha256-" in headers
    assert headers.count("x-content-type-options") == 1
    assert "cache-control: no-cache" in headers


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/auth/me", 401, "auth.required"),
        ("/api/nothing%20here?q=1", 404, "route.not_found"),
        ("/mcp/", 401, "auth.required"),
        ("/api/metrics", 404, "route.not_found"),
    ],
)
def test_routes(deployment: Deployment, path: str, status: int, code: str) -> None:
    answered, problem = Client(deployment.web_port).ask("GET", path)
    assert (answered, problem["code"]) == (status, code)


def test_the_gateway(deployment: Deployment) -> None:
    status, answer = Client(deployment.web_port).ask("GET", "/llm/v1/models")
    assert (status, answer["error"]["code"]) == (401, "invalid_api_key")


def test_a_backend_at_another_address_is_found(deployment: Deployment) -> None:
    """Another container takes its old address while it is away, without a reload of nginx."""
    address = (
        "docker inspect -f '{{(index .NetworkSettings.Networks \"backend_web\").IPAddress}}' backend-main-backend-1"
    )
    before = deployment.run(address)
    client = Client(deployment.web_port)
    deployment.run("docker-compose rm -s -f main-backend")
    squatter = "docker run -d --name basechat_squatter --network backend_web nginx:alpine"
    deployment.run(squatter)
    try:
        status, problem = client.ask("GET", "/api/auth/me")
        assert (status, problem["code"]) == (503, "service.unavailable")
        deployment.run("docker-compose up -d --wait main-backend")
    finally:
        deployment.run("docker rm -f basechat_squatter")
    assert deployment.run(address) != before
    assert client.ask("GET", "/api/auth/me")[0] == 401


def test_restart(deployment: Deployment) -> None:
    deployment.run("docker-compose restart nginx")
    deployment.run("docker-compose up -d --wait")
