"""Instants as the whole platform writes them: RFC 3339, UTC, milliseconds, `Z`."""

from datetime import UTC, datetime


def rfc3339(epoch_s: float) -> str:
    """Seconds since 1970 as `2026-11-23T10:00:00.000Z`."""
    return utc_text(datetime.fromtimestamp(epoch_s, UTC))


def utc_text(instant: datetime) -> str:
    """The same for an aware datetime. Raises OverflowError when it has no UTC between the years 1 and 9999."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
