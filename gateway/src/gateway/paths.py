"""One spelling for every path, before any rule looks at it."""

import re

from dotdo.errors import invalid_argument

# Encoded slashes and control characters, and raw ones and backslashes, would mean one thing here and another downstream.
_REFUSED = re.compile(r"%2f|%5c|%[01][0-9a-f]|%7f|[\x00-\x1f\x7f\\]", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def normalise(path: str) -> str:
    """Collapses `//`, resolves `.` and `..`, and takes escapes of unreserved characters for these (RFC 3986 §6.2.2): a service
    that decodes `/%6cogin` must not see a path that the rules here have not. Raises INVALID_ARGUMENT for what is refused.
    """
    if "%" in path or "\\" in path or not path.isprintable():
        path = _unescape(path)
    if "//" not in path and "/." not in path and path.startswith("/"):
        return path
    segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    trailing = "/" if kept and segments[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + trailing


def _unescape(path: str) -> str:
    if _REFUSED.search(path) or _BAD_ESCAPE.search(path):
        raise invalid_argument("the path has an encoded slash, a backslash, a control character or a broken escape")
    return _ESCAPE.sub(_plain, path)


def _plain(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()
