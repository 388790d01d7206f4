"""Who sees what: private rows exist for admins and for keys with `things:private`, for nobody else."""

from dotdo.contracts.db.models import Visibility
from dotdo.errors import forbidden
from dotdo.service import Call

PRIVATE_READ = "things:private"


def may_see_private(call: Call) -> bool:
    return call.identity.may(PRIVATE_READ)


def sees(call: Call, visibility: str) -> bool:
    """Whether a row that was addressed directly exists for the caller. Unlisted ones do."""
    return visibility != "private" or may_see_private(call)


def listed(call: Call, asked: Visibility | None) -> Visibility:
    """What a list or a search shows: public rows; others when they are asked for by name, by who may see them."""
    if asked not in (None, "public") and not may_see_private(call):
        raise forbidden(f"this needs the permission {PRIVATE_READ}")
    return asked or "public"
