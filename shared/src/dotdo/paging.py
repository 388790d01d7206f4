"""Keyset pages: `limit` and an opaque `cursor` that holds the sort key of the last row seen."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field

from dotdo.errors import ServiceError, invalid_argument
from dotdo.model import Model
from dotdo.nesting import parse_json

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000

_NO_TEXT = re.compile("[\ud800-\udfff]")
"""JSON can write half a surrogate pair; no store and no address can hold one."""

R = TypeVar("R")

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class Page(Model):
    limit: int
    next_cursor: str | None


def encode_cursor(key: Sequence[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).rstrip(b"=").decode()


def page_of(rows: Sequence[R], limit: int, key: Callable[[R], Sequence[str]]) -> tuple[list[R], Page]:
    """The rows of the page, and where the next one begins, of `limit` + 1 rows that were asked for."""
    data = list(rows[:limit])
    more = len(rows) > limit
    return data, Page(limit=limit, next_cursor=encode_cursor(key(data[-1])) if more else None)


def decode_cursor(cursor: str, length: int) -> list[str]:
    """The sort key in a cursor this service gave out. Raises INVALID_ARGUMENT for anything else."""
    try:
        key: Any = parse_json(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except ValueError as error:
        raise _foreign() from error
    if not isinstance(key, list) or len(key) != length or not all(isinstance(part, str) for part in key):
        raise _foreign()
    if any(_NO_TEXT.search(part) for part in key):
        raise _foreign()
    if encode_cursor(key) != cursor:  # b64decode takes padding, too, `+` for `-`, and any spare bits at the end
        raise _foreign()
    return key


def _foreign() -> ServiceError:
    return invalid_argument("cursor: not one that this service gave out")
