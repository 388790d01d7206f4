"""A Python Worker bound to the four, as Python peers are: makes the call it is told to through `JsonPeer`."""

import json
from typing import Any

from workers import Response, WorkerEntrypoint

from dotdo.errors import ServiceError
from dotdo.rpc import JsonPeer

__all__ = ["Default"]


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        told = json.loads(await request.text())
        binding = getattr(self.env, told["binding"])
        peer = JsonPeer(told["binding"].lower(), lambda text: binding.callJson(text))  # noqa: PLW0108 (not kept)
        try:
            answer = {"ok": await peer.call(told["method"], *told["params"])}
        except ServiceError as error:
            answer = {
                "error": {
                    "code": error.code,
                    "status": error.status,
                    "detail": error.detail,
                    "retryable": error.retryable,
                }
            }
        return Response(json.dumps(answer), headers={"content-type": "application/json"})
