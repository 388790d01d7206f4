"""Conditional requests (RFC 9110 §13): a thing's version is its ETag."""

import re

from dotdo.errors import invalid_argument
from dotdo.service import Call

_TAG = re.compile(r'"(\d{1,18})"\Z')


def version_tag(version: int) -> str:
    return f'"{version}"'


def if_match(call: Call) -> int | None:
    """The version that `If-Match` asks for. Raises INVALID_ARGUMENT for what cannot be one of ours."""
    header = _header(call, "if-match")
    if header is None or header == "*":
        return None
    tag = _TAG.match(header)
    if tag is None or int(tag[1]) < 1:
        raise invalid_argument('If-Match: not an ETag of this service, such as "3"')
    return int(tag[1])


def matches_none(call: Call, tag: str) -> bool:
    """Whether `If-None-Match` names what is there, by weak comparison."""
    header = _header(call, "if-none-match")
    if header is None:
        return False
    named = [part.strip().removeprefix("W/") for part in header.split(",")]
    return "*" in named or tag in named


def _header(call: Call, name: str) -> str | None:
    assert call.request is not None, "HTTP handlers have a request"
    return call.request.headers.get(name)
