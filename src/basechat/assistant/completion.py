"""One completion of a model, read line by line while it is streamed."""

from dataclasses import dataclass, field
from typing import Any

from basechat.assistant.tools.requests import Drafts
from basechat.chat.runs.answer import AnswerError
from basechat.kit import json
from basechat.kit.text import storable

_STREAM_CODES = {"provider_cut": "provider.cut", "provider_silent": "provider.silent"}


@dataclass(slots=True)
class Completion:
    """What is known of a completion when it has ended; its text goes elsewhere as it comes."""

    model: str | None = None
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    finish_reason: str | None = None
    cache: str | None = None
    """What llm-agent says of its cache: `hit`, `miss`, `coalesced` or `bypass`."""
    drafts: Drafts = field(default_factory=Drafts)

    def read(self, line: bytes) -> str | None:
        """Take one chunk and return its text; raises `AnswerError` for an error in it, or where it can't be read."""
        try:
            chunk = json.loads(line)
            if "error" in chunk:
                raise _broken(chunk["error"])
            self.model = _plain(chunk.get("model")) or self.model
            if counted := chunk.get("usage"):
                self.prompt_tokens = _count(counted.get("prompt_tokens"))
                self.total_tokens = _count(counted.get("total_tokens"))
            if not chunk.get("choices"):
                return None
            choice = chunk["choices"][0]
            self.finish_reason = _plain(choice.get("finish_reason")) or self.finish_reason
            delta = choice["delta"]
            for call in delta.get("tool_calls") or ():
                self.drafts.add(call)
            text = delta.get("content")
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            raise garbled() from None
        return text.replace("\x00", "") if isinstance(text, str) else None


def garbled() -> AnswerError:
    """Return the error of an answer that is not one."""
    return AnswerError("provider.garbled", "The model's answer can't be read.")


def message_of(error: Any) -> str:
    """Return what a provider says went wrong, not at any length."""
    message = error.get("message") if isinstance(error, dict) else error
    return str(message)[:2000].replace("\x00", "") or "The model answered with an error."


def _broken(error: Any) -> AnswerError:
    """Return what an error in the middle of a stream means; the gateway says when it was not the provider's."""
    code = error.get("code") if isinstance(error, dict) else None
    return AnswerError(_STREAM_CODES.get(str(code), "provider.error"), message_of(error))


def _plain(value: Any) -> str | None:
    """Return a name as it can be stored."""
    return storable(str(value))[:200] if value else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None
