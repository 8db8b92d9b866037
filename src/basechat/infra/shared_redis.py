"""A Redis client whose commands share one connection: many are under way at once, none waits for a free one."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.client import EMPTY_RESPONSE
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as BrokenError
from redis.exceptions import DataError, InvalidResponse, NoScriptError, ResponseError
from redis.exceptions import TimeoutError as LateError
from redis.typing import EncodableT, KeyT, ScriptTextT

_OWN_CONNECTION = frozenset({
    "BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN", "WAIT", "WAITAOF", "XREAD",
    "XREADGROUP",
})  # fmt: skip
_STATEFUL = frozenset({
    "AUTH", "CLIENT NO-TOUCH", "CLIENT REPLY", "CLIENT TRACKING", "HELLO", "MONITOR", "MULTI", "PSUBSCRIBE", "QUIT",
    "RESET", "SELECT", "SSUBSCRIBE", "SUBSCRIBE",
})  # fmt: skip
_APART = _OWN_CONNECTION | _STATEFUL
_CALLBACK = "redis_connect_func"  # tells of the pool's connections
_NOT_WHOLE = object()


class SharedRedis(Redis):
    """redis-py's client with a shorter way for single commands, which takes half the time or less (ADR 15).

    Commands that may block, pipelines and subscriptions have connections of the pool, as ever; those that change the
    connection itself are refused (`client()` returns one for them). A command is sent once: of one whose connection
    broke nobody knows whether it was executed.
    """

    def __init__(self, *, connection_pool: ConnectionPool) -> None:
        super().__init__(connection_pool=connection_pool)
        self.auto_close_connection_pool = True
        self._shared = _SharedConnection(connection_pool)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Return the reply to a command; raises `RedisError`."""
        name = args[0]
        if name in _APART:
            if name in _STATEFUL:
                raise DataError(f"{name} would change the connection that others use too.")
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        try:
            reply = await self._shared.ask(args)
        except ResponseError:
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise
        read = self.response_callbacks.get(name)
        if read is None:
            return reply
        options.pop("keys", None)
        options.pop(EMPTY_RESPONSE, None)
        return read(reply, **options)

    def client(self) -> Redis:
        """Return a client with a connection of its own."""
        return Redis(connection_pool=self.connection_pool, single_connection_client=True)

    def register_script(self, script: ScriptTextT) -> AsyncScript:  # type: ignore[override]  # as redis-py's does
        """Return a script that can be called."""
        return _Script(self, script)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections."""
        self._shared.close()
        await super().aclose(close_connection_pool)


class _Script(AsyncScript):
    """A script that finds out less than redis-py's for each call."""

    async def __call__(
        self, keys: Sequence[KeyT] | None = None, args: Iterable[EncodableT] | None = None, client: Any = None
    ) -> Any:
        keys, args = tuple(keys or ()), tuple(args or ())
        if client is None:
            with suppress(NoScriptError):
                return await self.registered_client.execute_command("EVALSHA", self.sha, len(keys), *keys, *args)
        return await super().__call__(keys, args, client)


class _SharedConnection:
    """The one connection, opened when it is needed and again when it broke."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._seconds: float | None = pool.connection_kwargs.get("socket_timeout")
        self._opening: asyncio.Task[_Link] | None = None
        self._link: _Link | None = None

    async def ask(self, command: Sequence[EncodableT]) -> Any:
        """Return the reply to a command; raises `RedisError`."""
        link = self._link
        if link is None or link.has_ended:
            link = await self._opened()
        reply = link.send(command)
        late = None if self._seconds is None else link.loop.call_later(self._seconds, _be_late, reply)
        try:
            return await reply
        except (LateError, asyncio.CancelledError):
            if self._seconds is not None:
                link.give_up_if_silent(self._seconds)
            raise
        finally:
            if late is not None:
                late.cancel()

    def close(self) -> None:
        """Close it; what is still asked breaks off."""
        if self._opening is not None:
            self._opening.cancel()
        if self._link is not None:
            self._link.close()

    async def _opened(self) -> "_Link":
        """Wait for the connection that is being opened, for all who want it at once, whoever of them leaves."""
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_drop)
        opening = self._opening
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(opening)
        except TimeoutError:
            raise LateError("There was no connection in time.") from None
        except asyncio.CancelledError:
            if opening.cancelled():
                raise BrokenError("The client was closed.") from None
            raise

    async def _open(self) -> "_Link":
        arguments = {name: value for name, value in self._pool.connection_kwargs.items() if name != _CALLBACK}
        connection = _KINDS[self._pool.connection_class](**arguments)
        await connection.connect()  # type: ignore[no-untyped-call]
        self._link = connection.handed_over()
        return self._link


def _drop(opening: "asyncio.Task[_Link]") -> None:
    """Take what went wrong, which those who still wait hear of."""
    if not opening.cancelled():
        opening.exception()


def _be_late(reply: asyncio.Future[Any]) -> None:
    if not reply.done():
        reply.set_exception(LateError("The server did not answer in time."))


class _Link(asyncio.Protocol):
    """An open connection, and who waits for a reply on it, in the order of their commands."""

    def __init__(self, connection: "_HandedOver", transport: asyncio.WriteTransport) -> None:
        self.loop = asyncio.get_running_loop()
        self.has_ended = transport.is_closing()
        self._connection = connection
        self._transport = transport
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._heard_at = 0.0
        self._reader = hiredis.Reader(
            protocolError=InvalidResponse, replyError=connection.error_of, notEnoughData=_NOT_WHOLE
        )

    def send(self, command: Sequence[EncodableT]) -> asyncio.Future[Any]:
        """Send a command behind those before it; its reply comes into what is returned."""
        if not self._waiting:
            self._heard_at = time.monotonic()
        self._transport.write(self._connection.packed(command))
        reply = self.loop.create_future()
        self._waiting.append(reply)
        return reply

    def give_up_if_silent(self, seconds: float) -> None:
        """Close the connection where nobody was answered for so long: it may be dead without anybody knowing."""
        if self._waiting and time.monotonic() - self._heard_at >= seconds:
            self.close()

    def close(self) -> None:
        """Close the connection at once."""
        self._transport.abort()
        self._end(None)

    def data_received(self, data: bytes) -> None:
        """Hand out the replies that are whole."""
        self._heard_at = time.monotonic()
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOT_WHOLE:
                self._hand_out(reply)
        except (InvalidResponse, IndexError) as error:  # no reply, or one to nothing that was asked
            self._transport.abort()
            self._end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who wait."""
        self._end(exc)

    def _hand_out(self, reply: Any) -> None:
        if isinstance(reply, hiredis.PushNotification):
            return
        waiting = self._waiting.popleft()
        if waiting.done():
            return  # nobody waits for it any more
        if isinstance(reply, Exception):
            waiting.set_exception(reply)
        else:
            waiting.set_result(reply)

    def _end(self, reason: Exception | None) -> None:
        self.has_ended = True
        self._connection.let_go()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(BrokenError(f"The connection broke: {reason or 'it was closed'}"))
        self._waiting.clear()


class _HandedOver(AbstractConnection):
    """A connection that redis-py opens, with its password, database and protocol, for somebody else to use."""

    def handed_over(self) -> _Link:
        """Return what has it from now on."""
        if self._writer is None:
            raise BrokenError("The connection was closed as soon as it was open.")
        transport = self._writer.transport
        link = _Link(self, transport)
        transport.set_protocol(link)
        return link

    def let_go(self) -> None:
        """Forget the streams, whose transport is closed."""
        self._reader = self._writer = None

    def packed(self, command: Sequence[EncodableT]) -> bytes:
        """Return a command as it is sent; raises `DataError` for a value that can't be."""
        try:
            if " " not in str(command[0]):
                return bytes(hiredis.pack_command(tuple(command)))  # type: ignore[arg-type]  # or TypeError
        except (TypeError, UnicodeEncodeError):  # a value that redis-py may know how to write
            pass
        try:
            return b"".join(self.pack_command(*command))
        except UnicodeEncodeError as error:
            raise DataError(str(error)) from error

    def error_of(self, message: str) -> Exception:
        """Return the error that the server tells."""
        error: Exception = self._parser.parse_error(message)  # type: ignore[no-untyped-call]
        return error


class _TCP(_HandedOver, Connection):
    pass


class _TLS(_HandedOver, SSLConnection):
    pass


class _Unix(_HandedOver, UnixDomainSocketConnection):
    pass


_KINDS: dict[type[AbstractConnection], type[_HandedOver]] = {
    Connection: _TCP,
    SSLConnection: _TLS,
    UnixDomainSocketConnection: _Unix,
}
