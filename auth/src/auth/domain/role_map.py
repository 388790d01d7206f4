"""Which role of this platform a role of WorkOS means: ROLE_MAP, a JSON object of slugs and roles."""

import json
from typing import get_args

from dotdo.contracts.auth.rights import Role
from dotdo.errors import misconfigured
from dotdo.ports import Bindings

VARIABLE = "ROLE_MAP"


def role_map(bindings: Bindings) -> dict[str, str]:
    """Empty where none is set. Raises NOT_CONFIGURED for what is no such object, or names a role that is not ours."""
    try:
        roles = json.loads(bindings.optional(VARIABLE) or "{}")
    except ValueError:
        roles = None
    if not isinstance(roles, dict) or not all(role in get_args(Role) for role in roles.values()):
        raise misconfigured(VARIABLE, f"no JSON object of WorkOS role slugs and {', '.join(get_args(Role))}")
    return roles


def mapped(bindings: Bindings, slug: str | None) -> str | None:
    """None for a role that means nothing here: whoever has it keeps the role they had."""
    return role_map(bindings).get(slug or "")
