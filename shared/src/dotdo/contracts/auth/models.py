"""Credentials: what is presented, made, listed and ended."""

from typing import Literal

from pydantic import Field

from dotdo.contracts.auth.rights import Permission, Role
from dotdo.model import Key, Model
from dotdo.paging import DEFAULT_LIMIT, Limit, Page

Environment = Literal["live", "test"]
VerifyCode = Literal["VALID", "NOT_FOUND", "MALFORMED", "EXPIRED", "REVOKED", "DISABLED", "WRONG_ENVIRONMENT"]


class Verification(Model):
    """The answer to a presented credential. Everything after `code` is null unless `valid`. Times are RFC 3339."""

    valid: bool
    code: VerifyCode
    kind: Literal["user", "api_key"] | None = None
    user_id: str | None = None
    email: str | None = None
    role: str | None = None
    organization_id: str | None = None
    permissions: list[str] = Field(default_factory=list)
    scopes: list[str] | None = None
    session_id: str | None = None
    key_id: str | None = None
    rate_limit: int | None = None
    expires_at: str | None = None


class ApiKeyBody(Model):
    """`scopes` are permissions; absent means all of the owner's. `rate_limit` is in requests a minute; from one address no
    more come through than the gateway's limit by address admits.
    """

    name: Key
    environment: Environment = "live"
    expires_in_days: int | None = Field(default=None, ge=1, le=3650)
    scopes: list[Permission] | None = Field(default=None, max_length=100)
    rate_limit: int | None = Field(default=None, ge=1, le=1_000_000)


class CreateApiKeyInput(ApiKeyBody):
    user_id: Key


class RotateInput(Model):
    """How long the old key still works."""

    overlap_hours: int = Field(default=0, ge=0, le=168)


class ApiKey(Model):
    """A key as its owner sees it ever after. `last_used_at` is exact to the minute."""

    id: str
    name: str
    prefix: str
    last4: str
    environment: Environment
    scopes: list[str] | None
    organization_id: str | None
    rate_limit: int | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    created_at: str


class CreatedApiKey(ApiKey):
    """`key` is the clear key, shown this once and never again."""

    key: str


class ListQuery(Model):
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class ApiKeyPage(Model):
    data: list[ApiKey]
    page: Page


class User(Model):
    """`workos_id`: null for one who never signed in through WorkOS's AuthKit."""

    id: str
    email: str
    name: str | None
    role: str
    organization_id: str | None
    workos_id: str | None = None
    email_verified: bool = False
    disabled: bool = False
    created_at: str = ""
    updated_at: str = ""


class UserPage(Model):
    data: list[User]
    page: Page


class ApiKeyOwner(User):
    """Whose key it is. `valid` is always true: there is no answer for one that is not."""

    valid: Literal[True] = True


class Jwks(Model):
    """The public keys access tokens are signed with (RFC 7517); none while they are HS256."""

    keys: list[dict[str, str]]


class UserChange(Model):
    role: Role
