"""What handlers ask of the call they answer."""

from dotdo.errors import forbidden
from dotdo.http import HttpRequest
from dotdo.service import Call


def request_of(call: Call) -> HttpRequest:
    assert call.request is not None, "HTTP handlers have a request"
    return call.request


def require_own_access(call: Call, permission: str) -> None:
    """A person who has signed in may see to what is theirs; an API key needs the permission. Raises FORBIDDEN."""
    if not call.identity.session_id and not call.identity.may(permission):
        raise forbidden(f"this needs a session or the permission {permission}")
