"""A chat from end to end: nginx, backend, worker, gateway, provider."""

import pytest

from tests.containers.client import Client
from tests.containers.deployment import MARKS, Deployment

pytestmark = MARKS

UPSTREAM = "docker-compose -f docker-compose.yml -f ../tests/containers/upstream.yml"


@pytest.fixture(scope="module")
def upstream(deployment: Deployment) -> None:
    """The scripted provider that `.env` names."""
    deployment.run(f"{UPSTREAM} up -d --wait --no-recreate upstream")


@pytest.mark.usefixtures("upstream")
def test_a_message_is_answered(admin: Client) -> None:
    status, session = admin.ask("POST", "/api/sessions", {})
    assert status == 201
    path = f"/api/sessions/{session['id']}/messages"
    events = list(admin.events(path, {"content": "안녕하세요, how are you?", "model": "echo"}))
    assert (events[0][0], events[-1][0]) == ("run.started", "message.completed")
    assert "".join(data["text"] for name, data in events if name == "message.delta") == "안녕하세요, how are you?"
    _, stored = admin.ask("GET", path)
    assert [message["content"] for message in stored["items"]] == ["안녕하세요, how are you?"] * 2


@pytest.mark.usefixtures("upstream")
def test_text_is_here_before_the_answer_has_ended(admin: Client) -> None:
    """The provider falls silent after five words. Text that nginx buffered would never arrive."""
    _, session = admin.ask("POST", "/api/sessions", {})
    path = f"/api/sessions/{session['id']}/messages"
    events = admin.events(path, {"content": "Hello", "model": "stall-5"})
    run = next(data["run"] for name, data in events if name == "run.started")
    text = ""
    while text != "w1 w2 w3 w4 w5":
        name, data = next(events)
        text += data["text"] if name == "message.delta" else ""
    assert admin.ask("POST", f"/api/runs/{run['id']}/cancel")[0] == 202
    assert [name for name, _ in events][-1] == "run.cancelled"


@pytest.mark.usefixtures("upstream")
def test_a_tool_is_called(admin: Client) -> None:
    _, session = admin.ask("POST", "/api/sessions", {})
    path = f"/api/sessions/{session['id']}/messages"
    events = dict(admin.events(path, {"content": '{"expression": "6 * 7"}', "model": "tool-calculate"}))
    assert events["tool.call"]["name"] == "calculate"
    assert (events["tool.result"]["ok"], '"42"' in events["tool.result"]["preview"]) == (True, True)
    assert events["message.completed"]["message"]["mcp_tools_used"] == ["calculate"]


@pytest.mark.parametrize("service", ["main-backend", "worker", "llm-agent", "mcp-server"])
def test_what_calls_others_has_a_way_out(deployment: Deployment, service: str) -> None:
    """Providers, public pages and people's MCP servers are outside. The data network has no route to them."""
    networks = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
    assert "backend_outside" in deployment.run(f"docker inspect -f '{networks}' backend-{service}-1").split()
    inspected = deployment.run("docker network inspect -f '{{.Internal}}' backend_outside backend_data")
    assert inspected.split() == ["false", "true"]


@pytest.mark.usefixtures("upstream")
def test_what_was_said_outlives_all_containers(deployment: Deployment, admin: Client) -> None:
    _, session = admin.ask("POST", "/api/sessions", {"title": "kept"})
    deployment.run(f"{UPSTREAM} down -t 5")
    deployment.run("docker-compose up -d --wait")
    status, found = admin.ask("GET", f"/api/sessions/{session['id']}")
    assert (status, found["title"]) == (200, "kept")
