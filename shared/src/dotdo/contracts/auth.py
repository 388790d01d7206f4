"""What the auth service offers: its models, RPC methods and HTTP endpoints."""

from typing import Literal

from pydantic import Field

from dotdo.contract import Contract, Endpoint, RpcMethod
from dotdo.contracts.common import Health, ServiceCard
from dotdo.model import Key, Model

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


class CreateApiKeyInput(Model):
    """`scopes` are permissions; absent means all of the owner's."""

    user_id: Key
    name: Key
    environment: Environment = "live"
    expires_in_days: int | None = Field(default=None, ge=1, le=3650)
    scopes: list[Key] | None = None


class CreatedApiKey(Model):
    """`key` is the clear key, shown this once and never again."""

    id: str
    name: str
    prefix: str
    last4: str
    environment: Environment
    key: str
    scopes: list[str] | None
    expires_at: str | None
    created_at: str


class LoginQuery(Model):
    return_to: str = "/"
    provider: str | None = None
    login_hint: str | None = None


class CallbackQuery(Model):
    code: str | None = None
    state: str | None = None
    error: str | None = None
    error_description: str | None = None


class User(Model):
    id: str
    email: str
    name: str | None
    role: str
    organization_id: str | None


class Session(Model):
    """The current session. No token is ever part of a read."""

    id: str
    user: User
    permissions: list[str]
    created_at: str
    expires_at: str


METHODS = (
    RpcMethod("health", "Whether the service and its database answer.", {}, Health),
    RpcMethod("verify", "Who presents this API key or access token.", {"credential": (str, ...)}, Verification),
    RpcMethod("createApiKey", "Makes a key for a user; the clear key comes back once.",
              {"input": (CreateApiKeyInput, ...)}, CreatedApiKey),
)  # fmt: skip

ENDPOINTS = (
    Endpoint("GET", "/", "card", "What this service is.", access="public", result=ServiceCard),
    Endpoint("GET", "/health", "health", "Whether the service answers.", access="public", result=Health),
    Endpoint("GET", "/login", "login", "Sends the browser to sign in.", access="public", query=LoginQuery),
    Endpoint("GET", "/callback", "callback", "Where the browser returns to.", access="public", query=CallbackQuery),
    Endpoint("GET", "/session", "session", "The current session.", result=Session),
)

CONTRACT = Contract("auth", "0.1.0", METHODS, ENDPOINTS)
