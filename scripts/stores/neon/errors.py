"""What goes wrong in a request, and the JSON a driver gets for it."""

from collections.abc import Mapping

from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

# The names are node-postgres', which the driver copies to its error object.
FIELDS = {
    "severity": DiagnosticField.SEVERITY,
    "code": DiagnosticField.SQLSTATE,
    "detail": DiagnosticField.MESSAGE_DETAIL,
    "hint": DiagnosticField.MESSAGE_HINT,
    "position": DiagnosticField.STATEMENT_POSITION,
    "internalPosition": DiagnosticField.INTERNAL_POSITION,
    "internalQuery": DiagnosticField.INTERNAL_QUERY,
    "where": DiagnosticField.CONTEXT,
    "schema": DiagnosticField.SCHEMA_NAME,
    "table": DiagnosticField.TABLE_NAME,
    "column": DiagnosticField.COLUMN_NAME,
    "dataType": DiagnosticField.DATATYPE_NAME,
    "constraint": DiagnosticField.CONSTRAINT_NAME,
    "file": DiagnosticField.SOURCE_FILE,
    "line": DiagnosticField.SOURCE_LINE,
    "routine": DiagnosticField.SOURCE_FUNCTION,
}

# libpq gives a refused connection no SQLSTATE, only the server's words (lc_messages C).
REFUSALS = {
    "password authentication failed": "28P01",
    "no pg_hba.conf entry": "28000",
    "is not permitted to log in": "28000",
    "permission denied for database": "42501",
    "does not exist": "3D000",
    "too many clients": "53300",
    "remaining connection slots": "53300",
    "too many connections for": "53300",
    "is starting up": "57P03",
    "is shutting down": "57P03",
}
NOT_REACHED = "08006"

NO_FIELDS: Mapping[str, str | None] = dict.fromkeys(FIELDS)


class SqlError(Exception):
    """Ends a request with `status` and a body that has every field of a database error, null where it does not apply."""

    def __init__(
        self, message: str, code: str | None = None, status: int = 400, fields: Mapping[str, str | None] = NO_FIELDS
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, **NO_FIELDS, **fields, "code": code}


def from_result(result: PGresult) -> SqlError:
    """The error PostgreSQL answered a statement with."""
    fields = {name: _text(result.error_field(field)) for name, field in FIELDS.items()}
    message = _text(result.error_field(DiagnosticField.MESSAGE_PRIMARY)) or "unknown error"
    return SqlError(message, fields.get("code"), fields=fields)


def from_refusal(words: str) -> SqlError:
    """The error for a connection that did not come about. What the server itself said is the caller's; the rest is a 500."""
    _, said_by_server, message = words.strip().splitlines()[-1].rpartition("FATAL:  ")
    if not said_by_server:
        return SqlError("PostgreSQL cannot be reached", NOT_REACHED, 500)
    code = next((code for part, code in REFUSALS.items() if part in message), NOT_REACHED)
    return SqlError(message, code, 500 if code == "57P03" else 400, {"severity": "FATAL"})


def _text(field: bytes | None) -> str | None:
    return None if field is None else field.decode(errors="replace")
