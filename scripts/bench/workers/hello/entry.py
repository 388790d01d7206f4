"""The floor: a Python Worker that answers and does nothing else."""

from typing import Any

from workers import Response, WorkerEntrypoint

__all__ = ["Default"]


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        return Response("hi")
