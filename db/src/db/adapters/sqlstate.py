"""SQLSTATE → the error a caller sees. Nothing of the message, the statement or a constraint's name goes out.

Codes: PostgreSQL manual, appendix A.
"""

from db.errors import invalid_sql
from dotdo.errors import ServiceError, invalid_argument, timed_out

# What a statement can be wrong about besides class 42 (syntax, names, rights): features, cardinality, transaction states, a
# routine's own exception, parameters that do not fit the statement.
_CALLERS_SQL = (
    "42",
    "08P01",
    "0A",
    "0Z",
    "20",
    "21",
    "24",
    "25",
    "26",
    "2B",
    "2D",
    "2F",
    "34",
    "38",
    "39",
    "3B",
    "3F",
    "44",
    "P0",
)

# Longest prefix counts: five characters name a condition, two a class.
_SERIALIZATION = ServiceError("RETRY", 503, "Conflict with a concurrent write", "try again", retryable=True)
_RESTARTING = ServiceError("UNAVAILABLE", 503, "Service unavailable", "the database is restarting", retryable=True)

_NOT_REACHED = ServiceError("UNAVAILABLE", 503, "Service unavailable", "the database cannot be reached", retryable=True)

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
    # Connections: the class but for 08P01, which is about what was sent on one; and none left to be had.
    **dict.fromkeys(("08000", "08001", "08003", "08004", "08006", "08007", "53300"), _NOT_REACHED),
    "25006": ServiceError("READ_ONLY", 400, "Read-only", "this statement writes and was asked to be read-only"),
    "54": invalid_argument("a value is too long or nested too deep to be stored"),
    "22": invalid_argument("a value does not fit the type it is used as"),
}


def database_error() -> ServiceError:
    """A new one each time: one object raised again and again would keep the traceback of every raise."""
    return ServiceError("DATABASE_ERROR", 502, "Database error", "the database refused the statement")


def error_for(sqlstate: str, *, raw_sql_message: str | None = None) -> ServiceError:
    """`raw_sql_message` is given when the caller wrote the SQL: it is then told what is wrong with it."""
    known = CONDITIONS.get(sqlstate) or CONDITIONS.get(sqlstate[:2])
    if known is None and raw_sql_message is not None and sqlstate.startswith(_CALLERS_SQL):
        return invalid_sql(f"{raw_sql_message} (SQLSTATE {sqlstate})")
    return known or database_error()
