"""What the bodies of calls must be; fields that are not known here go to the provider untouched."""

from typing import Any

from basechat.kit import json
from basechat.llm.errors import GatewayError

_MODEL_NAME = 200
_DEPTH = 200


def read_object(raw: bytes) -> dict[str, Any]:
    """Return what the bodies of all calls are: a JSON object that may name a model; raises `GatewayError`."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise GatewayError(400, "The body is not valid JSON in UTF-8.") from None
    if not isinstance(body, dict):
        raise GatewayError(400, "The body must be a JSON object.")
    _check_depth(raw, body)
    model = body.get("model")
    if not isinstance(model, str | None) or len(model or "") > _MODEL_NAME:
        raise GatewayError(400, f"`model` must be a string of at most {_MODEL_NAME} characters.", param="model")
    return body


def _check_depth(raw: bytes, body: dict[str, Any]) -> None:
    """Refuse what could not be written again, in the places where it is."""
    if raw.count(b"[") + raw.count(b"{") <= _DEPTH:
        return
    try:
        json.dumps([[[[body]]]])
    except TypeError:
        raise GatewayError(400, "The body is nested too deeply.") from None


def read_chat(raw: bytes) -> dict[str, Any]:
    """Return the body of a chat completion; raises `GatewayError`."""
    body = read_object(raw)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise GatewayError(400, "`messages` must be a list of at least one message.", param="messages")
    if not isinstance(body.get("stream", False), bool | None):
        raise GatewayError(400, "`stream` must be true or false.", param="stream")
    if not isinstance(body.get("stream_options", {}), dict | None):
        raise GatewayError(400, "`stream_options` must be an object.", param="stream_options")
    return body
