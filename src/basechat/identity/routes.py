"""HTTP routes of accounts, devices, API tokens, preferences and invitations."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response, status
from sqlalchemy import Row

from basechat.identity import accounts, registration, sign_in, tokens
from basechat.identity.access import COOKIE, AdminCaller, AnyCaller, ChatCaller, ClientDep, SignedInCaller
from basechat.identity.schemas import (
    ApiTokenOut,
    ApiTokens,
    Device,
    Devices,
    InvitationOut,
    Invitations,
    Login,
    NewApiToken,
    NewInvitation,
    PasswordChange,
    Preferences,
    Registration,
    SignedIn,
    UserOut,
)
from basechat.infra.resources import Resources
from basechat.infra.web.depends import ResourcesDep

router = APIRouter(tags=["accounts"])


@router.post("/auth/register", status_code=status.HTTP_201_CREATED)
async def register(body: Registration, client: ClientDep, resources: ResourcesDep, response: Response) -> SignedIn:
    """Create an account. The first one becomes the administrator; `REGISTRATION` decides about later ones."""
    user, token = await registration.register(resources, body, client)
    return _signed_in(response, resources, user, token)


@router.post("/auth/login")
async def login(body: Login, client: ClientDep, resources: ResourcesDep, response: Response) -> SignedIn:
    """Sign in by name or email address."""
    user, token = await sign_in.sign_in(resources, body.username, body.password, client)
    return _signed_in(response, resources, user, token)


@router.post("/auth/logout", status_code=status.HTTP_204_NO_CONTENT)
async def logout(caller: SignedInCaller, resources: ResourcesDep, response: Response) -> None:
    """Sign out: end this session."""
    await sign_in.end_session(resources.database, resources.state, caller.user_id, caller.credential_id)
    response.delete_cookie(COOKIE, path="/api")


@router.get("/auth/me")
async def me(caller: AnyCaller, resources: ResourcesDep) -> UserOut:
    """The account that is signed in."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        return UserOut(**_mapping(await accounts.get_user(connection, caller.user_id)))


@router.delete("/auth/me", status_code=status.HTTP_204_NO_CONTENT)
async def delete_me(caller: SignedInCaller, resources: ResourcesDep, response: Response) -> None:
    """Delete the account and everything it owns."""
    await accounts.delete_account(resources.database, resources.state, caller.user_id)
    response.delete_cookie(COOKIE, path="/api")


@router.post("/auth/password", status_code=status.HTTP_204_NO_CONTENT)
async def change_password(
    body: PasswordChange, caller: SignedInCaller, client: ClientDep, resources: ResourcesDep
) -> None:
    """Change the password. All other sessions end at once."""
    await accounts.change_password(resources, caller, body.current_password, body.new_password, client)


@router.get("/auth/sessions")
async def list_devices(caller: SignedInCaller, resources: ResourcesDep) -> Devices:
    """List the devices that are signed in."""
    async with resources.database.system_transaction() as connection:
        rows = await sign_in.list_sessions(connection, caller.user_id)
    return Devices(items=[Device(**_mapping(row), current=row.id == caller.credential_id) for row in rows])


@router.delete("/auth/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
async def end_device(session_id: UUID, caller: SignedInCaller, resources: ResourcesDep) -> None:
    """Sign a device out."""
    await sign_in.end_session(resources.database, resources.state, caller.user_id, session_id)


@router.get("/auth/tokens")
async def list_api_tokens(caller: SignedInCaller, resources: ResourcesDep) -> ApiTokens:
    """List the API tokens."""
    async with resources.database.system_transaction() as connection:
        rows = await tokens.list_api_tokens(connection, caller.user_id)
    return ApiTokens(items=[ApiTokenOut(**_mapping(row)) for row in rows])


@router.post("/auth/tokens", status_code=status.HTTP_201_CREATED)
async def create_api_token(body: NewApiToken, caller: SignedInCaller, resources: ResourcesDep) -> ApiTokenOut:
    """Create an API token. Only this answer contains its text."""
    row, token = await tokens.create_api_token(resources.database, caller, body)
    return ApiTokenOut(**_mapping(row), token=token)


@router.delete("/auth/tokens/{token_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_api_token(token_id: UUID, caller: SignedInCaller, resources: ResourcesDep) -> None:
    """Delete an API token. It is invalid at once."""
    await tokens.delete_api_token(resources.database, resources.state, caller.user_id, token_id)


@router.get("/preferences")
async def get_preferences(caller: ChatCaller, resources: ResourcesDep) -> Preferences:
    """The preferences of the account."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        return Preferences(**await accounts.get_preferences(connection, caller.user_id))


@router.patch("/preferences")
async def change_preferences(body: Preferences, caller: ChatCaller, resources: ResourcesDep) -> Preferences:
    """Change some preferences. null resets a preference."""
    changes = body.model_dump(exclude_unset=True)
    async with resources.database.owner_transaction(caller.user_id) as connection:
        return Preferences(**await accounts.change_preferences(connection, caller.user_id, changes))


@router.get("/admin/invitations", tags=["administration"])
async def list_invitations(caller: AdminCaller, resources: ResourcesDep) -> Invitations:
    """List the invitations."""
    async with resources.database.system_transaction() as connection:
        rows = await tokens.list_invitations(connection)
    return Invitations(items=[InvitationOut(**_mapping(row)) for row in rows])


@router.post("/admin/invitations", status_code=status.HTTP_201_CREATED, tags=["administration"])
async def create_invitation(body: NewInvitation, caller: AdminCaller, resources: ResourcesDep) -> InvitationOut:
    """Create an invitation. Only this answer contains its text."""
    row, token = await tokens.create_invitation(resources.database, caller, body)
    return InvitationOut(**_mapping(row), token=token)


@router.delete("/admin/invitations/{invitation_id}", status_code=status.HTTP_204_NO_CONTENT, tags=["administration"])
async def delete_invitation(invitation_id: UUID, caller: AdminCaller, resources: ResourcesDep) -> None:
    """Delete an invitation."""
    await tokens.delete_invitation(resources.database, caller, invitation_id)


def _signed_in(response: Response, resources: Resources, user: Row[Any], token: str) -> SignedIn:
    response.set_cookie(
        COOKIE,
        token,
        max_age=resources.settings.session_days * 24 * 3600,
        path="/api",
        httponly=True,
        samesite="lax",
        secure=resources.settings.public_url.startswith("https:"),
    )
    return SignedIn(user=UserOut(**_mapping(user)), token=token)


def _mapping(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "password_hash"}
