"""What a refusal means where WorkOS is asked in our own name, not in that of somebody who signs in."""

from collections.abc import Awaitable
from typing import TypeVar

from auth.adapters.workos.api import Refused
from dotdo.errors import ServiceError, misconfigured, not_found

T = TypeVar("T")


async def translate_refusals(question: Awaitable[T]) -> T:
    """The answer. Raises NOT_FOUND, NOT_CONFIGURED where our key is not taken, else UPSTREAM_ERROR, for a refusal."""
    try:
        return await question
    except Refused as error:
        if error.status == 404:
            raise not_found("WorkOS knows no such thing") from error
        if error.status in (401, 403):
            raise misconfigured("WORKOS_API_KEY", "WorkOS does not accept it") from error
        raise ServiceError("UPSTREAM_ERROR", 502, "Refused", "WorkOS refused what it was asked") from error
