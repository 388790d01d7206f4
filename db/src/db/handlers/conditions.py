"""Conditional requests (RFC 9110 §13): a thing's version is its ETag, and 0 the version of what is not there."""

import re

from dotdo.errors import invalid_argument
from dotdo.service import Call

_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})"\Z')  # \d would take the digits of every script


def version_tag(version: int) -> str:
    return f'"{version}"'


def _if_match(call: Call) -> list[int] | None:
    """The versions that `If-Match` names. Raises INVALID_ARGUMENT for what cannot be one of ours.

    A weak tag counts (RFC 9110 §13.1.1 would have it match nothing): a proxy that compresses an answer, as Cloudflare's
    does, makes its tag weak, so a client that sends back what it got has no other. A version is the same either way.
    """
    header = _header(call, "if-match")
    if header is None or header == "*":
        return None
    tags = [_TAG.match(one.strip()) for one in header.split(",")]
    versions = [int(tag[1]) for tag in tags if tag is not None]
    if len(versions) < len(tags) or min(versions) < 1:
        raise invalid_argument('If-Match: not an ETag of this service, such as "3"')
    return versions


def write_condition(call: Call) -> list[int] | None:
    """The versions a write may find: those of `If-Match`, or [0] for `If-None-Match: *`. Raises INVALID_ARGUMENT."""
    unless = _header(call, "if-none-match")
    if unless is None:
        return _if_match(call)
    if unless != "*" or _header(call, "if-match") is not None:
        raise invalid_argument("If-None-Match: a write takes it as * and without If-Match")
    return [0]


def requires_existing(call: Call) -> bool:
    """Whether `If-Match: *` asks for something to be there."""
    return _header(call, "if-match") == "*"


def _header(call: Call, name: str) -> str | None:
    return call.http_request.headers.get(name)
