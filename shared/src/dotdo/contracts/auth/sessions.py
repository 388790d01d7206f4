"""Sessions and the tokens of one."""

from typing import Literal

from pydantic import Field

from dotdo.contracts.auth.models import User, VerifyCode
from dotdo.model import Model
from dotdo.paging import Page


class Session(Model):
    """The current session. No token is ever part of a read."""

    id: str
    user: User
    permissions: list[str]
    created_at: str
    expires_at: str


class SessionRow(Model):
    """One place where a user is signed in. `current`: the one that asks."""

    id: str
    user_id: str
    device: str | None
    ip_address: str | None
    user_agent: str | None
    created_at: str
    last_seen_at: str
    expires_at: str
    current: bool = False


class SessionPage(Model):
    data: list[SessionRow]
    page: Page


class Validation(Model):
    """`error` is the code `verify` gives; user and session are null with it."""

    valid: bool
    user: User | None = None
    session: SessionRow | None = None
    error: VerifyCode | None = None


class Tokens(Model):
    """An access token, and the refresh token that gets the next pair. `expires_in` is the access token's, in seconds."""

    token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int


class CreatedSession(Tokens):
    session: SessionRow


class RefreshBody(Model):
    """Absent in a browser, whose cookie holds the token."""

    refresh_token: str | None = Field(default=None, max_length=512)


class Revoked(Model):
    revoked: int
