"""JSON as the stores take it. What JSON has no form for is the caller's mistake, said before anything is written."""

import json
from datetime import datetime
from typing import Any

from dotdo.errors import invalid_argument
from dotdo.instants import utc_text


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    raise TypeError(type(value).__name__)


_AS_GIVEN, _SORTED = (
    json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_instant, sort_keys=sort_keys)
    for sort_keys in (False, True)
)


def json_text(value: Any, *, sort_keys: bool = False) -> str:
    """Compact JSON, a Date as JSON.stringify writes it. Raises INVALID_ARGUMENT for NaN, bytes, functions and the like."""
    try:
        return (_SORTED if sort_keys else _AS_GIVEN).encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise invalid_argument("a value that JSON has no form for") from error
