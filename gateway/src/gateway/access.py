"""Whether an identified caller may pass a route's rule. Whatever no rule lets through is refused."""

from dotdo.errors import forbidden, unauthenticated
from dotdo.identity import Identity
from gateway.routes import Rule


def check(rule: Rule, identity: Identity) -> None:
    """Raises 401 for an anonymous caller, 403 for one that lacks what the rule asks."""
    if rule.level == "public":
        return
    if identity.kind == "anonymous":
        raise unauthenticated("send an API key or an access token")
    if rule.level == "admin" and not identity.is_admin:
        raise forbidden("this needs the role admin")
    if rule.permission and not identity.may(rule.permission):
        raise forbidden(f"this needs the permission {rule.permission}")
