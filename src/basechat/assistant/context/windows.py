"""How many tokens each model takes at once: llm-agent's list, kept and read anew in the background."""

import asyncio
import logging
from typing import Any

import aiohttp

from basechat.chat.runs.answer import RunRequest
from basechat.infra.http import read_at_most
from basechat.kit import json
from basechat.kit.tasks import cancel_and_wait
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0
_FIRST_SECONDS = 2.0  # how long a message waits for the very first list
_TIMEOUT = aiohttp.ClientTimeout(total=15)
_LIST_BYTES = 20_000_000


class Windows:
    """The windows of all models. Only messages that come before the first list wait for it, and not for long."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, secret: bytes, *, default: int) -> None:
        self._http = http
        self._url = f"{base_url}/v1/models"
        self._secret = secret
        self._default = default
        self._windows: dict[str | None, int] = {}
        self._read_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            await cancel_and_wait(self._reading)

    async def of(self, question: RunRequest) -> int:
        """Return the window of the model that is asked, as far as it is known."""
        if self._is_old(question.model) and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(question))
        if self._read_at is None and self._reading is not None:
            await asyncio.wait({self._reading}, timeout=_FIRST_SECONDS)
        return self._windows.get(question.model, self._default)

    def _is_old(self, model: str | None) -> bool:
        if self._read_at is None:
            return True
        age = asyncio.get_running_loop().time() - self._read_at
        return age > (FRESH_SECONDS if model in self._windows else RETRY_SECONDS)

    async def _read(self, question: RunRequest) -> None:
        """Read the list; where that fails, the last one stays."""
        caller = Caller(owner_id=question.owner_id, run_id=question.run_id, attempt=question.attempt)
        headers = {INTERNAL_HEADER: sign_caller(caller, key=self._secret, audience="llm-agent")}
        try:
            async with self._http.get(self._url, headers=headers, timeout=_TIMEOUT) as response:
                response.raise_for_status()
                self._windows = _windows(json.loads(await read_at_most(response.content, _LIST_BYTES)))
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("the models' windows can't be read: %s", str(error) or type(error).__name__)
        self._read_at = asyncio.get_running_loop().time()


def _windows(listed: Any) -> dict[str | None, int]:
    """Return the windows by name, with and without the provider before it; the first model is the default one."""
    found: dict[str | None, int] = {}
    for at, model in enumerate(listed["data"]):
        if isinstance(window := model.get("context_window"), int):
            name = model["id"]
            found |= {name: window, f"{model['owned_by']}/{name}": window} | ({} if at else {None: window})
    return found
