"""Instants as the whole platform writes them: RFC 3339, UTC, milliseconds, `Z`."""

import math
from datetime import UTC, datetime
from functools import lru_cache


def rfc3339(epoch_s: float) -> str:
    """Seconds since 1970 as `2026-11-23T10:00:00.000Z`."""
    fraction, whole = math.modf(epoch_s)
    seconds, microseconds = divmod(round(fraction * 1e6), 1_000_000)
    return f"{_second(int(whole) + seconds)}.{microseconds // 1000:03}Z"


@lru_cache(maxsize=16)
def _second(epoch_s: int) -> str:
    """The same second is asked for by every request and line in it."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat().removesuffix("+00:00")


def utc_text(instant: datetime) -> str:
    """The same for an aware datetime. Raises OverflowError when it has no UTC between the years 1 and 9999."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
