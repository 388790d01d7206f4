"""The floor of the gateway's way over HTTP: passes requests on to db in one fixed name, and does nothing else."""

from typing import Any

import js
from workers import WorkerEntrypoint, import_from_javascript

__all__ = ["Default"]

ENV = import_from_javascript("cloudflare:workers").env


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        native = request.js_object
        passed_on = js.Request.new(native.url, native)
        passed_on.headers.set("x-dotdo-identity", ENV.IDENTITY)
        return await ENV.DB.fetch(passed_on)
