"""What else can be bound: Workers AI, a Worker that keeps jobs, the platform's own rate limits."""

import json
from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException

from dotdo.ports import QuotaError
from dotdo.runtime.values import js_object, js_value, settled


class WorkersAi:
    """Workers AI. What goes in and comes out crosses as JSON text."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def run(self, model: str, inputs: Mapping[str, object]) -> Any:
        return json.loads(js.JSON.stringify(await settled(self._binding.run(model, js_value(inputs)))))


class QueueWorker:
    """The Worker that keeps jobs, in JavaScript: called by its method, not by `callJson`."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def enqueue(self, job: Mapping[str, object]) -> None:
        await settled(self._binding.enqueue(js_value(job)))


class RateLimitBinding:
    """A `ratelimits` binding."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def take(self, key: str) -> bool:
        try:
            return bool((await self._binding.limit(js_object({"key": key}))).success)
        except JsException as error:
            raise QuotaError(str(error.message)) from None
