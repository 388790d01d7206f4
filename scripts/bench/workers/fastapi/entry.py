"""The FastAPI peer's entrypoint."""

from typing import Any

import asgi
from workers import WorkerEntrypoint

__all__ = ["Default"]


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        from app import CTX, app  # noqa: PLC0415 (it draws random numbers when imported, which no Worker may before its first request)

        CTX.set(self.ctx)
        return await asgi.fetch(app, request, self.env, self.ctx)
