"""Trying again what may be tried again: twice, after a random part of a growing delay.

Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from dotdo.errors import ServiceError
from dotdo.ports import Clock

RETRIES = 2
BASE_S = 0.05
CAP_S = 1.0

# A timeout is not tried again: its time is spent.
_RETRIED = frozenset({"UNAVAILABLE", "RETRY"})

T = TypeVar("T")


async def with_retries(attempt: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """The result of the first attempt that succeeds. Raises the last ServiceError."""
    for failures in range(RETRIES):
        try:
            return await attempt()
        except ServiceError as error:
            if error.code not in _RETRIED:
                raise
            await clock.sleep(random.uniform(0, min(CAP_S, BASE_S * 2**failures)))
    return await attempt()
