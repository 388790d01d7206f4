"""A plain HTTP client of ClickHouse, as the tests here use it."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from scripts.stores.clickhouse import ClickHouse

PASSWORD = "p@ss/wörd"
MEGABYTE = 1024 * 1024


@dataclass
class Client:
    server: ClickHouse
    http: httpx.AsyncClient

    async def post(
        self, sql: str | bytes, body: Any = None, headers: dict[str, str] | None = None, **params: Any
    ) -> httpx.Response:
        """With a body, the statement goes into the URL."""
        if body is not None:
            params, sql = {"query": sql, **params}, body
        return await self.http.post("/", content=sql, params=params, headers=headers)

    async def text(self, sql: str | bytes, body: Any = None, **params: Any) -> str:
        answer = await self.post(sql, body, **params)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def error(self, code: int, status: int, sql: str | bytes, body: Any = None, **params: Any) -> str:
        answer = await self.post(sql, body, **params)
        assert (answer.headers.get("x-clickhouse-exception-code"), answer.status_code) == (str(code), status), (
            answer.text
        )
        assert answer.text.startswith(f"Code: {code}. DB::")
        return answer.text

    async def table(self, columns: str, engine: str = "MergeTree order by tuple()") -> str:
        name = f"t_{uuid.uuid4().hex}"
        assert await self.text(f"create table {name} ({columns}) engine = {engine}") == ""
        return name

    def process(self) -> psutil.Process:
        """The server itself, below its guard."""
        assert self.server.child is not None
        assert self.server.child.process is not None
        (process,) = psutil.Process(self.server.child.process.pid).children()
        return process


async def running(client: Client, query_id: str) -> int:
    return int(
        await client.text(f"select count() from system.processes where Settings['query_cache_tag'] = '{query_id}'")
    )


async def nothing_runs(client: Client, query_id: str) -> None:
    async with asyncio.timeout(10):
        while await running(client, query_id):
            await asyncio.sleep(0.01)


async def runs(client: Client, query_id: str) -> None:
    async with asyncio.timeout(10):
        while not await running(client, query_id):
            await asyncio.sleep(0.01)
