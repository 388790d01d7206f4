"""Instants as the whole platform writes them: RFC 3339, UTC, milliseconds, `Z`."""

from datetime import UTC, datetime


def rfc3339(epoch_s: float) -> str:
    """Seconds since 1970 as `2026-11-23T10:00:00.000Z`."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(epoch_s * 1000) % 1000:03d}Z"
