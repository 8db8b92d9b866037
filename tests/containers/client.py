"""A client of the deployment's nginx."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from basechat.kit import json


@dataclass(slots=True)
class Client:
    """Calls nginx on a port of this machine."""

    port: int
    token: str | None = None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the document of an answer."""
        response = self._send(method, path, body, "application/json")
        content = response.read()
        return response.status, json.loads(content) if content else None

    def events(self, path: str, body: Any) -> Iterator[tuple[str, Any]]:
        """Post, and yield the events of the answer as they arrive."""
        response = self._send("POST", path, body, "text/event-stream")
        assert response.status == 200, response.read()
        name = ""
        for line in response:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)

    def _send(self, method: str, path: str, body: Any, accept: str) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Accept": accept, "Content-Type": "application/json", "Connection": "close"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return connection.getresponse()
