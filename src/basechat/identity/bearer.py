"""The token that a program sends in its `Authorization` header."""

from starlette.requests import Request


def bearer_token(request: Request) -> str | None:
    """Return the token of the `Authorization` header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
