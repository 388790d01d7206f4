"""Rights: roles, grants, decisions and the record of who changed them."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from dotdo.model import Key, Model
from dotdo.paging import DEFAULT_LIMIT, Limit, Page

Role = Literal["admin", "user", "viewer"]

_NAME = r"[a-z][a-z0-9_\-]{0,63}"

Resource = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
Action = Annotated[str, StringConstraints(pattern=rf"^({_NAME}|\*)$")]
Permission = Annotated[str, StringConstraints(pattern=rf"^(\*|{_NAME}:({_NAME}|\*))$")]
"""`resource:action`, `resource:*` or `*`."""


class CheckBody(Model):
    """`organization_id`: absent means the caller's own."""

    resource: Resource
    action: Resource
    organization_id: Key | None = None


class CheckInput(Model):
    """`organization_id`: absent means no organisation, where only what holds everywhere counts."""

    user_id: Key
    resource: Resource
    action: Resource
    organization_id: Key | None = None


class Decision(Model):
    has_permission: bool
    resource: str
    action: str


class GrantBody(Model):
    """`organization_id`: where it holds; absent means everywhere."""

    user_id: Key
    resource: Resource
    action: Action
    organization_id: Key | None = None


class Grant(Model):
    """`source`: by the user's role, or given one by one."""

    permission: str
    organization_id: str | None
    source: Literal["role", "grant"]
    granted_by: str | None = None
    created_at: str | None = None


class GrantPage(Model):
    data: list[Grant]
    page: Page


class GrantsQuery(Model):
    user_id: Key
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class Me(Model):
    """Who asks. `permissions` are those of this credential, in the caller's organisation."""

    id: str
    email: str
    name: str | None
    role: str
    organization_id: str | None
    kind: Literal["user", "api_key"]
    permissions: list[str]


class AuditQuery(Model):
    actor: Key | None = None
    action: Key | None = None
    target: Key | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class AuditEntry(Model):
    id: str
    at: str
    actor: str
    action: str
    target: str
    ip_address: str | None
    request_id: str | None
    details: dict[str, Any] = Field(default_factory=dict)


class AuditPage(Model):
    data: list[AuditEntry]
    page: Page
