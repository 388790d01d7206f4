"""A Worker that calls the callee, keeps values and takes cron events."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from greeting import GREETING  # type: ignore[import-not-found] # beside this file
from workers import Response, WorkerEntrypoint

__all__ = ["Default"]


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        url = urlsplit(request.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        return Response(await self._answer(url.path, query))

    async def _answer(self, path: str, query: dict[str, str]) -> str:
        answer: str = GREETING
        match path:
            case "/rpc":
                answer = await self.env.CALLEE.validate(query["text"])
            case "/parsed":
                answer = json.dumps(await self._parsed())
            case "/failure":
                answer = await self._failure()
            case "/variable":
                answer = self.env.PLACE
            case "/put":
                await self.env.STORE.put(query["key"], query["value"])
            case "/get":
                answer = str(await self.env.STORE.get(query["key"]))
            case "/print":
                print(query["line"])
        return answer

    async def scheduled(self, controller: Any, env: Any = None, ctx: Any = None) -> None:
        if controller.cron == "fail":
            raise RuntimeError("this trigger fails")
        await self.env.STORE.put("cron", f"{controller.cron} {int(controller.scheduledTime)}")

    async def _parsed(self) -> dict[str, str]:
        value = await self.env.CALLEE.parsed(
            '{"rows": [{"id": 1}], "big": 9007199254740993, "half": 0.5, "none": null}'
        )
        return {"value": type(value).__name__, **{name: type(item).__name__ for name, item in value.items()}}

    async def _failure(self) -> str:
        try:
            await self.env.CALLEE.fail()
        except Exception as error:
            return f"{type(error).__module__}.{type(error).__name__}: {error}"
        return "no failure"
