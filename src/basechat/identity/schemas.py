"""Bodies of the account routes."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from basechat.identity.credentials import Scope
from basechat.kit.text import Line, RequestModel, Text, composed
from basechat.protocol import ModelName

# Normalized before its length is checked: some names grow.
_Name = Annotated[Line, AfterValidator(composed)]
# No `@`, so that a name is never an email address. Letters of any script.
Username = Annotated[_Name, StringConstraints(min_length=2, max_length=64, pattern=r"^[\w.\-]+$")]
# Finds mistyped addresses. Only a delivered mail proves an address.
Email = Annotated[_Name, StringConstraints(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
Instructions = Annotated[Text, Field(max_length=20_000)]
Password = Annotated[Text, StringConstraints(min_length=8, max_length=1024)]


def _in_future(value: datetime) -> datetime:
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be before the year 10000") from None
    if value <= datetime.now(UTC):
        raise ValueError("must be in the future")
    return value


class Registration(RequestModel):
    """A new account."""

    username: Username
    email: Email
    password: Password
    invitation: Annotated[Line, Field(max_length=200)] | None = None


class Login(RequestModel):
    """Name or email address, and password."""

    username: Annotated[_Name, Field(min_length=1, max_length=320)]
    password: Annotated[Text, Field(min_length=1, max_length=1024)]


class PasswordChange(RequestModel):
    """The current and the new password."""

    current_password: Annotated[Text, Field(min_length=1, max_length=1024)]
    new_password: Password


class UserOut(BaseModel):
    """An account."""

    id: UUID
    username: str
    email: str
    role: Literal["admin", "user"]
    created_at: datetime


class SignedIn(BaseModel):
    """An account and the bearer token of its new session."""

    user: UserOut
    token: str


class Device(BaseModel):
    """A browser or program that is signed in."""

    id: UUID
    user_agent: str
    address: str
    current: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class Devices(BaseModel):
    """All devices of a person."""

    items: list[Device]
    next_cursor: None = None


class NewApiToken(RequestModel):
    """An API token to create."""

    name: Annotated[Line, Field(min_length=1, max_length=100)]
    scopes: Annotated[set[Scope], Field(min_length=1)] = {"chat"}  # noqa: RUF012 - pydantic copies defaults
    expires_at: Annotated[AwareDatetime, AfterValidator(_in_future)] | None = None


class ApiTokenOut(BaseModel):
    """An API token. `token`, its text, is present only in the answer that creates it."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    token: str | None = None


class ApiTokens(BaseModel):
    """All API tokens of a person."""

    items: list[ApiTokenOut]
    next_cursor: None = None


class NewInvitation(RequestModel):
    """An invitation to create."""

    note: Annotated[Line, Field(max_length=200)] = ""
    days: Annotated[int, Field(ge=1, le=90)] = 7


class InvitationOut(BaseModel):
    """An invitation. `token`, its text, is present only in the answer that creates it."""

    id: UUID
    note: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    token: str | None = None


class Invitations(BaseModel):
    """All invitations, newest first."""

    items: list[InvitationOut]
    next_cursor: None = None


class Preferences(RequestModel):
    """Settings for all chats of an account. A change keeps the fields that it omits."""

    default_model: ModelName | None = None
    default_temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    locale: Annotated[Line, Field(max_length=16)] | None = None
    theme: Literal["light", "dark", "system"] | None = None
    instructions: Instructions | None = None
