"""What the account routes take and answer."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from basechat.identity.caller import Scope
from basechat.kit.request_model import RequestModel
from basechat.kit.text import Instructions, Line, ModelName, Text, composed

# Composed before it is measured: some names grow by it.
_Name = Annotated[Line, AfterValidator(composed)]
# No `@`, so that a log-in name is never somebody's address. Letters of any script.
Username = Annotated[_Name, StringConstraints(min_length=2, max_length=64, pattern=r"^[\w.\-]+$")]
# Only a delivered letter proves an address; this finds what was mistyped.
Email = Annotated[_Name, StringConstraints(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
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
    """The password in use and the one to come."""

    current_password: Annotated[Text, Field(min_length=1, max_length=1024)]
    new_password: Password


class UserOut(BaseModel):
    """A person."""

    id: UUID
    username: str
    email: str
    role: Literal["admin", "user"]
    created_at: datetime


class SignedIn(BaseModel):
    """A person and the bearer token of this sign-in."""

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
    """A token to make."""

    name: Annotated[Line, Field(min_length=1, max_length=100)]
    scopes: Annotated[set[Scope], Field(min_length=1)] = {"chat"}  # noqa: RUF012 - pydantic copies defaults
    expires_at: Annotated[AwareDatetime, AfterValidator(_in_future)] | None = None


class ApiTokenOut(BaseModel):
    """A token as it is listed; its text is shown once, when it is made."""

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
    """An invitation to make."""

    note: Annotated[Line, Field(max_length=200)] = ""
    days: Annotated[int, Field(ge=1, le=90)] = 7


class InvitationOut(BaseModel):
    """An invitation; its text is shown once, when it is made."""

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
    """What a person chose for all their chats; a field left out of a change stays as it is."""

    default_model: ModelName | None = None
    default_temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    locale: Annotated[Line, Field(max_length=16)] | None = None
    theme: Literal["light", "dark", "system"] | None = None
    instructions: Instructions | None = None
