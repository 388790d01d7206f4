"""Sends the body of a request as `callJson` to the Worker bound as PEER, one after the other as often as the path says.

Answers nothing: what is measured is the calls, not the way of the answer to the one who measures. At `/`, the answer to one.
"""

from typing import Any
from urllib.parse import urlsplit

from workers import Response, WorkerEntrypoint

__all__ = ["Default"]


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        text, answer, calls = await request.text(), "", urlsplit(request.url).path[1:]
        for _ in range(int(calls or 1)):
            answer = await self.env.PEER.callJson(text)
        return Response("" if calls else answer, status=200 if answer.startswith('{"ok":') else 502)
