"""`POST /rpc`: the contract's methods over HTTP, for admins. Nothing that writes by raw SQL."""

from collections.abc import Awaitable, Callable
from typing import Any

from dotdo.contracts.db.models import RpcBody
from dotdo.errors import ServiceError
from dotdo.ports import Defer

NEVER = frozenset({"transaction", "execute"})
_RAW_SQL = frozenset({"query", "first"})

CallMethod = Callable[[str, list[Any], Defer], Awaitable[str]]


class RpcEndpoint:
    """`call_method` answers a method of the contract with JSON text."""

    def __init__(self, call_method: CallMethod) -> None:
        self._call_method = call_method

    async def call(self, body: RpcBody, defer: Defer) -> str:
        """`{"result": …}` as JSON text. Raises FORBIDDEN_METHOD, NOT_FOUND for what is not in the contract."""
        method, params = body.method, list(body.params)
        if method in NEVER:
            raise ServiceError("FORBIDDEN_METHOD", 403, "Permission denied", f"{method} is not offered over HTTP")
        if method in _RAW_SQL:
            params = _read_only(params)
        text = await self._call_method(method, params, defer)
        return f'{{"result":{text}}}'


def _read_only(params: list[Any]) -> list[Any]:
    """The parameters of raw SQL with `readOnly` set, whatever the caller asked for."""
    padded = [*params, *[None] * (3 - len(params))]
    options = padded[2] if isinstance(padded[2], dict) else {}
    return [*padded[:2], {**options, "readOnly": True}, *padded[3:]]
