"""Completions of the model, streamed through llm-agent."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from basechat.assistant.tools import ToolCallAccumulator
from basechat.chat.runs.answer import AnswerError, RunRequest
from basechat.infra.agent_client import (
    AgentAnswerError,
    AgentClient,
    AgentDisconnectedError,
    AgentStatusError,
    AgentTimeoutError,
    AgentUnreachableError,
)
from basechat.kit import json
from basechat.kit.text import storable
from basechat.protocol import Caller

Messages = Sequence[Mapping[str, Any]]
Definitions = Sequence[Mapping[str, Any]]

_STATUS_CODES = {
    400: "provider.refused",
    401: "provider.unauthorized",
    403: "provider.unauthorized",
    404: "model.not_found",
    413: "provider.too_large",
    429: "provider.rate_limited",
    502: "provider.unreachable",
    503: "model.unavailable",
    504: "provider.silent",
}
_STREAM_CODES = {"provider_cut": "provider.cut", "provider_silent": "provider.silent"}
# On a refusal by a budget, the gateway says `false`: a retry does not help. Providers do not send this header.
_SHOULD_RETRY = "x-should-retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """The model for a run, and its parameters. The provider chooses what is None."""

    owner_id: UUID
    run_id: UUID
    attempt: int
    model: str | None
    temperature: float | None = None
    max_tokens: int | None = None
    use_cache: bool = True

    @classmethod
    def of(cls, run: RunRequest) -> Self:
        return cls(
            owner_id=run.owner_id,
            run_id=run.run_id,
            attempt=run.attempt,
            model=run.model,
            temperature=run.temperature,
            max_tokens=run.max_tokens,
            use_cache=run.use_cache,
        )


@dataclass(slots=True)
class Completion:
    """The facts about a completion, except its text. They are complete when its stream has ended."""

    model: str | None = None
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    finish_reason: str | None = None
    cache: str | None = None
    """`hit`, `miss`, `coalesced` or `bypass`."""
    tool_calls: ToolCallAccumulator = field(default_factory=ToolCallAccumulator)

    def add(self, data: bytes) -> str | None:
        """Add one chunk and return its text; raises `AnswerError` for an error chunk and an unreadable one."""
        try:
            chunk = json.loads(data)
            if "error" in chunk:
                raise _stream_error(chunk["error"])
            self.model = _name(chunk.get("model")) or self.model
            if usage := chunk.get("usage"):
                self.prompt_tokens = _count(usage.get("prompt_tokens"))
                self.total_tokens = _count(usage.get("total_tokens"))
            if not chunk.get("choices"):
                return None
            choice = chunk["choices"][0]
            self.finish_reason = _name(choice.get("finish_reason")) or self.finish_reason
            delta = choice["delta"]
            for call in delta.get("tool_calls") or ():
                self.tool_calls.add(call)
            text = delta.get("content")
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            raise _unreadable() from None
        return text.replace("\x00", "") if isinstance(text, str) else None


class ModelClient:
    """Streams completions on behalf of runs."""

    def __init__(self, agent: AgentClient) -> None:
        self._agent = agent

    async def stream(
        self,
        request: ModelRequest,
        messages: Messages,
        completion: Completion,
        *,
        tools: Definitions = (),
        tool_choice: str | None = None,
    ) -> AsyncGenerator[str]:
        """Yield pieces of the text and fill in `completion`; raises `AnswerError`."""
        caller = Caller(owner_id=request.owner_id, run_id=request.run_id, attempt=request.attempt)
        body = _body(request, messages, tools, tool_choice)
        headers = {} if request.use_cache else {"cache-control": "no-cache"}
        has_begun = False
        try:
            async with self._agent.stream_completion(caller, body, headers=headers) as stream:
                has_begun = True
                completion.cache = stream.headers.get("x-basechat-cache")
                async for data in stream.events():
                    if data == b"[DONE]":
                        return
                    if text := completion.add(data):
                        yield text
        except AgentStatusError as error:
            raise _status_error(error) from None
        except AgentUnreachableError as error:
            raise AnswerError("model.unavailable", "The model gateway can't be reached.") from error
        except AgentTimeoutError:
            detail = "The model stopped in the middle of its answer." if has_begun else "The model did not answer."
            raise AnswerError("provider.silent", detail) from None
        except AgentDisconnectedError:
            raise AnswerError("model.cut", "The connection to the model gateway was lost.") from None
        except AgentAnswerError:
            raise _unreadable() from None
        if completion.finish_reason is None:
            raise AnswerError("provider.cut", "The model's answer ended too early.")


def _body(request: ModelRequest, messages: Messages, tools: Definitions, tool_choice: str | None) -> bytes:
    body: dict[str, Any] = {"messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    if tools:
        body["tools"] = tools
        if tool_choice is not None:
            body["tool_choice"] = tool_choice
    optional = {"model": request.model, "temperature": request.temperature, "max_tokens": request.max_tokens}
    return json.dumps(body | {name: value for name, value in optional.items() if value is not None})


def _status_error(refusal: AgentStatusError) -> AnswerError:
    try:
        error = json.loads(refusal.body)["error"]
        code, detail = error.get("code") if isinstance(error, dict) else None, _message_of(error)
    except (ValueError, KeyError, TypeError):
        code, detail = None, f"The model answered with an error (HTTP {refusal.response_status})."
    if code == "model_without_price":
        return AnswerError("model.without_price", detail)
    if code == "insufficient_quota":
        is_budget = refusal.response_headers.get(_SHOULD_RETRY) == "false"
        return AnswerError("budget.used_up" if is_budget else "provider.quota", detail)
    return AnswerError(_STATUS_CODES.get(refusal.response_status, "provider.error"), detail)


def _stream_error(error: Any) -> AnswerError:
    code = error.get("code") if isinstance(error, dict) else None
    return AnswerError(_STREAM_CODES.get(str(code), "provider.error"), _message_of(error))


def _unreadable() -> AnswerError:
    return AnswerError("provider.garbled", "The model's answer can't be read.")


def _message_of(error: Any) -> str:
    """The provider's message, of bounded length."""
    message = error.get("message") if isinstance(error, dict) else error
    return str(message)[:2000].replace("\x00", "") or "The model answered with an error."


def _name(value: Any) -> str | None:
    """A name in a form that can be stored."""
    return storable(str(value))[:200] if value else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None
