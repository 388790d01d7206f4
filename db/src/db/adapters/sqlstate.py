"""SQLSTATE → the error a caller sees. Nothing of the message, the statement or a constraint's name goes out.

Codes: PostgreSQL manual, appendix A.
"""

from dotdo.errors import ServiceError, invalid_argument, timed_out

# Longest prefix counts: five characters name a condition, two a class.
_SERIALIZATION = ServiceError("RETRY", 503, "Conflict with a concurrent write", "try again", retryable=True)
_RESTARTING = ServiceError("UNAVAILABLE", 503, "Service unavailable", "the database is restarting", retryable=True)

CONDITIONS: dict[str, ServiceError] = {
    "23505": ServiceError("CONFLICT", 409, "Conflict", "a row with this key exists already"),
    "23503": ServiceError(
        "REFERENCE_MISSING", 409, "Reference missing", "a row that this one refers to does not exist"
    ),
    "23502": invalid_argument("a required value is missing"),
    "23514": invalid_argument("a value is not one of the allowed ones"),
    "40001": _SERIALIZATION,
    "40P01": _SERIALIZATION,
    "57014": timed_out("the statement took longer than its limit"),
    "57P01": _RESTARTING,
    "57P02": _RESTARTING,
    "57P03": _RESTARTING,
    "25006": ServiceError("READ_ONLY", 400, "Read-only", "this statement writes and was asked to be read-only"),
    "22": invalid_argument("a value does not fit the type it is used as"),
}


def database_error() -> ServiceError:
    """A new one each time: one object raised again and again would keep the traceback of every raise."""
    return ServiceError("DATABASE_ERROR", 502, "Database error", "the database refused the statement")


def error_for(sqlstate: str, *, raw_sql_message: str | None = None) -> ServiceError:
    """`raw_sql_message` is given when the caller wrote the SQL: class 42 then says what is wrong with it."""
    if raw_sql_message is not None and sqlstate.startswith("42"):
        return ServiceError("INVALID_SQL", 400, "Invalid SQL", f"{raw_sql_message} (SQLSTATE {sqlstate})")
    return CONDITIONS.get(sqlstate) or CONDITIONS.get(sqlstate[:2]) or database_error()
