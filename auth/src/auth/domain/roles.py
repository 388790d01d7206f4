"""What each role may do. Data: a role that is not here may do nothing."""

from collections.abc import Iterable

from dotdo.permissions import permitted

ROLES: dict[str, tuple[str, ...]] = {
    "admin": ("*",),
    "user": (
        "things:read", "things:write", "relationships:read", "relationships:write",
        "ai:read", "ai:write", "search:read", "auth:read", "auth:write",
    ),
    "viewer": ("things:read", "relationships:read", "search:read"),
}  # fmt: skip


def role_permissions(role: str) -> tuple[str, ...]:
    return ROLES.get(role, ())


def effective_permissions(role: str, scopes: Iterable[str] | None) -> list[str]:
    """The role's permissions, or those of the scopes that the role covers. Scopes never add anything."""
    granted = role_permissions(role)
    if scopes is None:
        return list(granted)
    return [scope for scope in scopes if permitted(granted, scope)]
