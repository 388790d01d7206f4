"""Signing in through WorkOS, its directories and its events."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from dotdo.contracts.auth.models import ListQuery, User
from dotdo.model import Key, Model
from dotdo.paging import Page

PROVIDERS = {
    "authkit": "authkit", "apple": "AppleOAuth", "github": "GitHubOAuth", "google": "GoogleOAuth",
    "microsoft": "MicrosoftOAuth",
}  # fmt: skip
"""Ways to sign in, and what WorkOS calls them."""

Provider = Literal["authkit", "apple", "github", "google", "microsoft"]
Domain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-]{1,253}$")]


MAX_RETURN_TO = 1024
"""Characters: it travels in a cookie, of which browsers keep 4096 bytes. The gateway asks for no longer one."""

ReturnTo = Annotated[str, StringConstraints(max_length=MAX_RETURN_TO)]


class LoginQuery(Model):
    """`organization`: its id at WorkOS, where the sign-in is to lead to."""

    return_to: ReturnTo = "/"
    provider: Provider = "authkit"
    organization: Key | None = None
    login_hint: Key | None = None

    @property
    def workos_provider(self) -> str:
        return PROVIDERS[self.provider]


class CallbackQuery(Model):
    """What is not known is passed over (RFC 6749 §4.1.2): WorkOS sends `error_uri`, and may send more."""

    model_config = ConfigDict(extra="ignore")

    code: str | None = None
    state: str | None = None
    error: str | None = None
    error_description: str | None = None


class SsoQuery(Model):
    """Exactly one of `organization`, `connection` (their ids at WorkOS) and `domain`."""

    organization: Key | None = None
    connection: Key | None = None
    domain: Domain | None = None
    return_to: ReturnTo = "/"
    login_hint: Key | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "SsoQuery":
        if sum(each is not None for each in (self.organization, self.connection, self.domain)) != 1:
            raise ValueError("exactly one of organization, connection and domain is to be given")
        return self


class LoggedOut(Model):
    """`logout_url`: where the browser goes to end its session at WorkOS, too; null when there is none."""

    logout_url: str | None


class AuthUrlOptions(Model):
    """`code_challenge`: PKCE's, S256; its verifier goes with the code."""

    provider: Provider = "authkit"
    organization: Key | None = None
    login_hint: Key | None = None
    code_challenge: Key | None = None

    @property
    def workos_provider(self) -> str:
        return PROVIDERS[self.provider]


class WorkOSSignIn(Model):
    """`user` is ours; tokens, session and permissions are WorkOS's, and what they say has been verified."""

    user: User
    access_token: str
    refresh_token: str
    organization_id: str | None
    session_id: str | None
    permissions: list[str]


class DirectoryQuery(ListQuery):
    organization_id: Key | None = None


class Directory(Model):
    id: str
    organization_id: str | None
    name: str
    type: str
    state: str
    domain: str | None
    created_at: str
    updated_at: str


class DirectoryPage(Model):
    data: list[Directory]
    page: Page


class DirectoryUser(Model):
    """`role` is WorkOS's slug."""

    id: str
    directory_id: str
    organization_id: str | None
    idp_id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    state: str
    role: str | None
    created_at: str
    updated_at: str


class DirectoryUserPage(Model):
    data: list[DirectoryUser]
    page: Page


class DirectoryGroup(Model):
    id: str
    directory_id: str
    organization_id: str | None
    idp_id: str
    name: str
    created_at: str
    updated_at: str


class DirectoryGroupPage(Model):
    data: list[DirectoryGroup]
    page: Page


class EventTaken(Model):
    """`kept`: it changes nothing, now or since newer came before. `known`: it was here already."""

    status: Literal["applied", "kept", "known"] = Field(description="what became of the event")
