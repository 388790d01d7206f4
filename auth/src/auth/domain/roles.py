"""What each role may do, and the one function that decides. Data: a role that is not here may do nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from dotdo.permissions import permitted

ROLES: dict[str, tuple[str, ...]] = {
    "admin": ("*",),
    "user": (
        "things:read", "things:write", "relationships:read", "relationships:write",
        "ai:read", "ai:write", "search:read", "auth:read", "auth:write",
    ),
    "viewer": ("things:read", "relationships:read", "search:read"),
}  # fmt: skip

GRANTS_OF_USER = """
coalesce((select jsonb_agg(jsonb_build_object('permission', g.permission, 'organization_id', g.organization_id) order by g.id)
          from permissions g where g.user_id = u.id), '[]'::jsonb) as grants
"""
"""A column of any statement that reads `users u`: what `effective_permissions` takes as `grants`."""


def acting_in(key: str) -> str:
    """A column of any statement that reads `users u` and an API key: the key's organisation, null once its owner has left it.

    A key is of one organisation for good: what is granted in another one its owner goes to is no concern of it.
    """
    return f"""
case when {key}.organization_id = u.organization_id or exists (
    select from memberships b where b.user_id = u.id and b.organization_id = {key}.organization_id
) then {key}.organization_id end as acts_in
"""


def role_permissions(role: str) -> tuple[str, ...]:
    return ROLES.get(role, ())


def effective_permissions(
    role: str,
    scopes: Iterable[str] | None,
    grants: Iterable[Mapping[str, Any]] = (),
    organization: str | None = None,
) -> list[str]:
    """What role and grants give in an organisation, or those of the scopes that this covers. Scopes never add anything.

    A grant of no organisation holds everywhere, one of an organisation there alone. Grants add to a role: who has none that
    we know has nothing.
    """
    if role not in ROLES:
        return []
    here = [grant["permission"] for grant in grants if grant["organization_id"] in (None, organization)]
    granted = list(dict.fromkeys((*role_permissions(role), *here)))
    if scopes is None:
        return granted
    return [scope for scope in scopes if permitted(granted, scope)]


def decide(role: str, grants: Iterable[Mapping[str, Any]], wanted: str, organization: str | None) -> bool:
    """Whether a user of this role and these grants may do what is wanted, in this organisation or (None) in none."""
    return permitted(effective_permissions(role, None, grants, organization), wanted)
