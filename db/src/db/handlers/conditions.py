"""Conditional requests (RFC 9110 §13): a thing's version is its ETag, and 0 the version of what is not there."""

import re

from dotdo.errors import invalid_argument
from dotdo.service import Call

_TAG = re.compile(r'"([0-9]{1,18})"\Z')  # \d would take the digits of every script


def version_tag(version: int) -> str:
    return f'"{version}"'


def _if_match(call: Call) -> int | None:
    """The version that `If-Match` asks for. Raises INVALID_ARGUMENT for what cannot be one of ours."""
    header = _header(call, "if-match")
    if header is None or header == "*":
        return None
    tag = _TAG.match(header)
    if tag is None or int(tag[1]) < 1:
        raise invalid_argument('If-Match: not an ETag of this service, such as "3"')
    return int(tag[1])


def write_condition(call: Call) -> int | None:
    """The version a write asks for: that of `If-Match`, or 0 for `If-None-Match: *`. Raises INVALID_ARGUMENT."""
    unless = _header(call, "if-none-match")
    if unless is None:
        return _if_match(call)
    if unless != "*" or _header(call, "if-match") is not None:
        raise invalid_argument("If-None-Match: a write takes it as * and without If-Match")
    return 0


def requires_existing(call: Call) -> bool:
    """Whether `If-Match: *` asks for something to be there."""
    return _header(call, "if-match") == "*"


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
