"""What goes wrong between us and a server."""


class HttpError(Exception):
    """A call that has no answer, or half of one."""


class UnreachableError(HttpError):
    """No connection could be made; where `for_ever`, it is no use to try again."""

    def __init__(self, message: str, *, for_ever: bool = False) -> None:
        super().__init__(message)
        self.for_ever = for_ever


class ConnectTimeoutError(UnreachableError):
    """No connection could be made in time."""


class BrokenError(HttpError):
    """The connection was closed too soon, or what came over it is no HTTP."""
