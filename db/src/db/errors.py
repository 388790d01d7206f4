"""Errors of this service that more than one of its modules raises."""

from dotdo.errors import ServiceError


def invalid_sql(detail: str) -> ServiceError:
    """SQL of the caller's own that is not one statement this service takes, or that the store does not understand."""
    return ServiceError("INVALID_SQL", 400, "Invalid SQL", detail)
