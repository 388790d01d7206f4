"""The shape of a service's contract table: every RPC method and HTTP endpoint it offers, and nothing else is reachable.

The tables stand in `dotdo.contracts`, shared by caller and callee.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Access = Literal["public", "identity", "admin"]


@dataclass(frozen=True)
class RpcMethod:
    """`name` is the camelCase wire name. `params` maps each positional parameter to (type, default), as pydantic fields."""

    name: str
    summary: str
    params: Mapping[str, Any] = field(default_factory=dict)
    result: Any = Any

    @cached_property
    def handler(self) -> str:
        """The snake_case name of the function that answers it."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.name).lower()


@dataclass(frozen=True)
class Endpoint:
    """`path` is a template with `{name}` segments. `permission` is asked on top of `access`. `may_be_empty`: no body is `{}`.

    For whoever reads the documentation: `also` are the other statuses a result can come with, `media` is what it is written
    in, `headers` are the request headers that count, `problems` the errors that follow from nothing else in the row.
    """

    verb: str
    path: str
    handler: str
    summary: str
    access: Access = "identity"
    permission: str = ""
    query: Any = None
    body: Any = None
    may_be_empty: bool = False
    result: Any = Any
    status: int = 200
    also: tuple[int, ...] = ()
    media: str = "application/json"
    headers: tuple[str, ...] = ()
    problems: tuple[int, ...] = ()

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return tuple(part for part in self.path.split("/") if part)

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The path parameters when the decoded segments fit the template."""
        if len(segments) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part.startswith("{"):
                found[part[1:-1]] = segment
            elif part != segment:
                return None
        return found


@dataclass(frozen=True)
class Contract:
    service: str
    version: str
    methods: tuple[RpcMethod, ...]
    endpoints: tuple[Endpoint, ...]
