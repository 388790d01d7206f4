"""A Worker with methods, called by other Workers in the runtime's tests."""

import json
from typing import Any

import js
from pydantic import BaseModel
from workers import Response, WorkerEntrypoint

__all__ = ["Default"]


class Point(BaseModel):
    x: int
    y: float = 0.5


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        return Response("callee")

    async def validate(self, text: str) -> str:
        return Point.model_validate_json(text).model_dump_json()

    async def describe(self, value: Any) -> str:
        """The Python types that arrive."""
        return json.dumps({"type": type(value).__name__, "items": _types(value)})

    async def parsed(self, text: str) -> Any:
        """A raw JavaScript value."""
        return js.JSON.parse(text)

    async def fail(self) -> None:
        raise LookupError("NOT_FOUND: no such thing")

    async def _private(self) -> str:
        return "must not be reachable"


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_types(item) for item in value]
    return type(value).__name__


async def _added(self: Any, left: int, right: int) -> int:
    return left + right


_REACHABLE = {"fetch", "validate", "describe", "parsed", "fail", "add", "env", "ctx", "__class__", "__dict__"}


def _guarded(self: object, name: str) -> Any:
    if name not in _REACHABLE:
        raise AttributeError(name)
    return object.__getattribute__(self, name)


# As the platform's own entrypoint class does it: methods added from a table, everything else closed.
setattr(Default, "add", _added)  # noqa: B010
setattr(Default, "__getattribute__", _guarded)  # noqa: B010
