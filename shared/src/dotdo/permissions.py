"""What a granted permission covers. A permission is `resource:action`; `resource:*` and `*` match more."""

from collections.abc import Iterable

ADMIN_ROLE = "admin"


def covers(granted: str, wanted: str) -> bool:
    """Whether one granted permission includes the wanted one."""
    if granted in ("*", wanted):
        return True
    resource, _, action = granted.partition(":")
    return action == "*" and wanted.partition(":")[0] == resource


def permitted(granted: Iterable[str], wanted: str) -> bool:
    return any(covers(one, wanted) for one in granted)
