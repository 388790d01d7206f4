"""One spelling for every path, before any rule looks at it."""

import re

from dotdo.errors import invalid_argument

# Encoded slashes and control characters, and raw ones and backslashes, would mean one thing here and another downstream.
_REFUSED = re.compile(r"%2f|%[01][0-9a-f]|%7f|[\x00-\x1f\x7f\\]", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_ENCODED_DOT = re.compile(r"%2e", re.IGNORECASE)


def normalise(path: str) -> str:
    """Collapses `//` and resolves `.` and `..`, percent-encoded ones too. Raises INVALID_ARGUMENT for what is refused."""
    if _REFUSED.search(path) or _BAD_ESCAPE.search(path):
        raise invalid_argument("the path has an encoded slash, a control character or a broken escape")
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        plain = _ENCODED_DOT.sub(".", segment)
        if plain == "..":
            kept = kept[:-1]
        elif plain not in ("", "."):
            kept.append(segment)
    trailing = "/" if kept and _ENCODED_DOT.sub(".", segments[-1]) in ("", ".", "..") else ""
    return "/" + "/".join(kept) + trailing
