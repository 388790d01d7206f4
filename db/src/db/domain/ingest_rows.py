"""What a row of each analytics table may hold.

Checked here because ClickHouse is lenient: it wraps a number that is too large, turns lists into text and takes NaN.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from dotdo.contracts.db.models import Event, JsonObject
from dotdo.errors import invalid_argument
from dotdo.model import Model

Count = Field(default=0, ge=0, lt=2**64)


class StoredEvent(Event):
    """An event of a row that is known to be shallow."""

    data: JsonObject = Field(default_factory=dict)


class Request(Model):
    """One request the gateway answered."""

    time: str | None = None
    request_id: str = ""
    route: str = ""
    method: str = ""
    status: int = Field(default=0, ge=0, le=999)
    duration_ms: float = Field(default=0, ge=0, allow_inf_nan=False)
    identity: str = ""
    key_id: str = ""
    user_id: str = ""
    organization: str = ""
    bytes_in: int = Count
    bytes_out: int = Count
    colo: str = ""


class Probe(Model):
    """How one service answered once."""

    ts: str | None = None
    service: str = Field(min_length=1)
    status: str = Field(min_length=1)
    latency_ms: float = Field(default=0, ge=0, allow_inf_nan=False)


_ROWS: dict[str, TypeAdapter[Any]] = {
    "events": TypeAdapter(list[StoredEvent]),
    "api_requests": TypeAdapter(list[Request]),
    "service_health": TypeAdapter(list[Probe]),
}


def require_rows(table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raises INVALID_ARGUMENT naming the first row and field that is wrong."""
    try:
        _ROWS[table].validate_python(rows, strict=True, by_alias=False, by_name=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise invalid_argument(f"rows.{place}: {fault['msg']}") from error
