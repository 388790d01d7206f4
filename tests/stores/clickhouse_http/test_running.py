"""Queries of ClickHouse while they run: cancelled, killed, many at once."""

import asyncio
import uuid

import pytest

from tests.stores.clickhouse_http.client import Client, nothing_runs, runs

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_query_whose_client_left_is_cancelled(client: Client) -> None:
    for sql in ("select count() from numbers(1000000000000)", "select number from numbers(1000000000000) format JSON"):
        query_id = uuid.uuid4().hex
        asking = asyncio.create_task(client.post(sql, query_id=query_id))
        await runs(client, query_id)
        asking.cancel()
        await nothing_runs(client, query_id)


async def test_kill_query_by_the_request_s_id(client: Client) -> None:
    query_id = "to be killed"
    asking = asyncio.create_task(client.post("select count() from numbers(1000000000000)", query_id=query_id))
    await runs(client, query_id)
    killed = await client.text(f"kill query where query_id = '{query_id}' sync")
    assert killed.startswith("finished")
    answer = await asking
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (500, "394")


async def test_queries_run_at_the_same_time(client: Client) -> None:
    async def sleep(number: int) -> str:
        return await client.text(f"select sleep(0.5), {number}")

    async with asyncio.timeout(3):
        assert await asyncio.gather(*map(sleep, range(20))) == [f"0\t{number}\n" for number in range(20)]


async def test_a_burst_of_everything(client: Client) -> None:
    table = await client.table("a UInt64", "MergeTree order by a")

    async def work(number: int) -> None:
        await client.text(f"insert into {table} format JSONEachRow", f'{{"a":{number}}}')
        found = await client.text(f"select a from {table} where a = {number} settings max_threads = {number % 4 + 1}")
        assert found == f"{number}\n"
        rows = await client.text("select number from numbers(50000) settings max_block_size = 1000")
        assert rows.count("\n") == 50000
        await client.error(60, 404, f"select * from no_such_{number}")

    await asyncio.gather(*map(work, range(60)))
    assert await client.text(f"select count(), sum(a) from {table}") == f"60\t{sum(range(60))}\n"
