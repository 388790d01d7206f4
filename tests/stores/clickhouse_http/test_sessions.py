"""Sessions of ClickHouse over HTTP."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.stores.clickhouse_http.client import MEGABYTE, Client, runs

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_sessions(client: Client) -> None:
    mine: dict[str, Any] = {"session_id": uuid.uuid4().hex}
    await client.error(372, 500, "select 1", **mine, session_check=1)
    await client.text("create temporary table kept (a UInt8)", **mine)
    await client.text("insert into kept values (1)", **mine)
    await client.text("insert into kept format CSV", "2", **mine)
    assert await client.text("select count() from kept", **mine, session_check=1) == "2\n"
    await client.error(60, 404, "select count() from kept")
    await client.error(60, 404, "select count() from kept", session_id=uuid.uuid4().hex)


async def test_what_a_session_keeps_and_what_one_request_brings(client: Client) -> None:
    mine: dict[str, Any] = {"session_id": uuid.uuid4().hex}
    threads = "select getSetting('max_threads'), currentDatabase(), getSetting('readonly')"
    await client.text("set max_threads = 5", **mine)
    assert await client.text(threads, **mine, max_threads=2, database="system", readonly=2) == "2\tsystem\t0\n"
    assert await client.text(threads, **mine) == f"5\t{client.server.database}\t0\n"
    answer = await client.http.get("/", params={"query": "create temporary table x (a Int8)", **mine})
    assert answer.headers["x-clickhouse-exception-code"] == "164"
    await client.error(47, 404, "select nope", **mine, max_threads=3)
    await client.error(115, 404, "select 1", **mine, nope=3)
    assert await client.text(threads, **mine) == f"5\t{client.server.database}\t0\n"


async def test_a_session_serves_one_request_at_a_time(client: Client) -> None:
    mine: dict[str, Any] = {"session_id": uuid.uuid4().hex}
    query_id = uuid.uuid4().hex
    slow = asyncio.create_task(client.post("select sleep(1)", **mine, query_id=query_id))
    await runs(client, query_id)
    await client.error(373, 500, "select 1", **mine)
    assert (await slow).status_code == 200
    for _ in range(20):  # an answered request has given its session back
        await client.text("select number from numbers(100000)", **mine)
    await client.error(374, 500, "select 1", **mine, session_timeout=3601)
    await client.error(374, 500, "select 1", **mine, session_timeout="x")


@pytest.mark.parametrize("read", [0, 1, 5])
async def test_a_session_outlives_a_client_that_leaves(client: Client, read: int) -> None:
    mine: dict[str, Any] = {"session_id": uuid.uuid4().hex}
    await client.text("create temporary table kept (a UInt8)", **mine)
    for sql in ("select repeat('x', 1000) from numbers(100000000)", "select number from numbers(100000000000)"):
        async with client.http.stream("POST", "/", content=sql, params=mine) as answer:
            pieces = answer.aiter_raw(MEGABYTE)
            for _ in range(read):
                await anext(pieces)
        endless = asyncio.create_task(
            client.post("select count() from numbers(1000000000000)", query_id=uuid.uuid4().hex, **mine)
        )
        await asyncio.sleep(0)
        endless.cancel()
        async with asyncio.timeout(10):
            while (answer := await client.post("select count() from kept", **mine)).status_code != 200:
                assert answer.headers["x-clickhouse-exception-code"] == "373", answer.text
        assert answer.text == "0\n"
    left = "select count() from system.processes where query like 'select repeat%' or query like 'select number from%'"
    assert await client.text(left) == "0\n"


async def test_a_session_ends_after_its_time(client: Client) -> None:
    mine: dict[str, Any] = {"session_id": uuid.uuid4().hex, "session_timeout": 0}
    await client.text("create temporary table kept (a UInt8)", **mine)
    await client.error(60, 404, "select * from kept", **mine)
