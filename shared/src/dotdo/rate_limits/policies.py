"""The classes of rate limit, the gateway's unless told. Data; a variable changes the numbers of one deployment."""

from collections.abc import Mapping
from dataclasses import dataclass

from dotdo.errors import ServiceError, misconfigured

WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `limit` requests of one identity in `WINDOW_S` seconds."""

    name: str
    limit: int


LIMITS: Mapping[str, int] = {
    "default": 60, "ai": 20, "batch": 5, "workflows": 30, "auth": 10, "webhooks": 300, "ip": 300,
}  # fmt: skip
"""Requests a minute by class. `ip` counts by address before anything is known of the caller."""


def policies(changes: str = "", limits: Mapping[str, int] = LIMITS, variable: str = "RATE_LIMITS") -> dict[str, Policy]:
    """The classes with `changes` such as `default=600 ip=3000`. Raises NOT_CONFIGURED for what cannot be read, which is the
    `variable` that they are from.
    """
    changed = {**limits, **dict(_change(word, limits, variable) for word in changes.split())}
    return {name: Policy(name, limit) for name, limit in changed.items()}


def _change(word: str, limits: Mapping[str, int], variable: str) -> tuple[str, int]:
    name, _, number = word.partition("=")
    if name not in limits or not number.isascii() or not number.isdigit() or int(number) < 1:
        raise _unreadable(word, limits, variable)
    return name, int(number)


def _unreadable(word: str, limits: Mapping[str, int], variable: str) -> ServiceError:
    return misconfigured(variable, f"{word!r} is not class=number; the classes are {', '.join(limits)}")
