"""The tests' own client: what it sends again, and what it does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.e2e.client import REPEATED, http_client

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@asynccontextmanager
async def server(answers: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that closes each connection without a word after so many answers, and what it was asked."""
    asked: list[bytes] = []
    served: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        for _ in range(answers):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(ANSWER)
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked
        await asyncio.gather(*(task for task in served if task), return_exceptions=True)


async def test_a_read_on_a_kept_connection_that_closes_is_sent_again() -> None:
    async with server(answers=1) as (url, asked), http_client(base_url=url) as client:
        assert (await client.get("/one")).text == "ok"
        assert (await client.get("/two")).text == "ok"
    assert [request.split()[1] for request in asked] == [b"/one", b"/two", b"/two"]
    assert REPEATED.pop("GET /two") == 1


async def test_a_write_is_not() -> None:
    async with server(answers=1) as (url, asked), http_client(base_url=url) as client:
        await client.get("/one")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/two")
    assert len(asked) == 2


async def test_nor_is_anything_on_a_new_connection() -> None:
    async with server(answers=0) as (url, asked), http_client(base_url=url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/one")
    assert len(asked) == 1
