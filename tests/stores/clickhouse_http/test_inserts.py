"""Inserts into ClickHouse over HTTP: data that is wrong, cut off, sent twice; what follows from them."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.stores.clickhouse_http.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_data_of_an_insert_never_runs(client: Client) -> None:
    table = await client.table("a UInt8, b String")
    await client.text(f"insert into {table} format JSONEachRow", '{"a":1}\n\n\n{"a":2}\n\n')
    await client.text(f'insert into {table} format JSONEachRow\n{{"a":3}}\n\n{{"a":4}}')
    await client.text(f"insert into {table} values (5, 'x;y'),\n\n(5 + 1, concat('a', 'b'))")
    assert await client.text(f"select a from {table} order by a format TSV") == "1\n2\n3\n4\n5\n6\n"
    for sql in (
        f'insert into {table} format JSONEachRow\n{{"a":7}}\n\ndrop table {table}',
        f"insert into {table} format CSV\n7,x\n\ntruncate table {table}",
        f"insert into {table} values (7, 'x') ; truncate table {table}",
    ):
        await client.post(sql)
        assert int(await client.text(f"select count() from {table}")) >= 6
    await client.error(
        48, 501, f"insert into {table} select * from input('a UInt8') format CSV\n1\n\ndrop table {table}"
    )


async def test_errors_in_data(client: Client) -> None:
    table = await client.table("a UInt8")
    await client.error(27, 400, f"insert into {table} format JSONEachRow", '{"a":"x"}')
    await client.error(33, 500, f"insert into {table} format JSONEachRow", '{"a":1')
    await client.error(
        117, 400, f"insert into {table} format JSONEachRow", '{"no_such":1}', input_format_skip_unknown_fields=0
    )
    await client.error(60, 404, "insert into no_such format CSV", "1")
    await client.error(73, 404, f"insert into {table} format NoSuch", "1")
    assert await client.text(f"select count() from {table}") == "0\n"


async def test_an_early_error_in_long_data(client: Client) -> None:
    table = await client.table("a UInt8")

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"a":"x"}\n'
        for _ in range(40):
            yield b'{"a":1}\n' * 100_000

    params = {"query": f"insert into {table} format JSONEachRow"}
    answer = await client.http.post("/", params=params, content=pieces())
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (400, "27")
    assert await client.text(f"select count() from {table}") == "0\n"


async def test_the_summary_of_an_insert(client: Client) -> None:
    table = await client.table("a UInt64")
    answer = await client.post(f"insert into {table} format CSV", "1\n2\n3\n")
    assert answer.text == ""
    assert json.loads(answer.headers["x-clickhouse-summary"])["written_rows"] == "3"
    assert (await client.post(f"insert into {table} format CSV", "")).status_code == 200


async def test_an_insert_whose_client_leaves_stores_nothing(client: Client) -> None:
    table = await client.table("a UInt64")
    started = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"1\n" * 1000
        started.set()
        await asyncio.Event().wait()

    sending = asyncio.create_task(
        client.http.post("/", params={"query": f"insert into {table} format CSV"}, content=pieces())
    )
    await started.wait()
    sending.cancel()
    assert await client.text(f"select count() from {table}") == "0\n"


async def test_asynchronous_inserts_can_be_read_at_once(client: Client) -> None:
    table = await client.table("a UInt64")
    for number in range(3):
        wait = {"async_insert": 1, "wait_for_async_insert": 1}
        await client.text(f"insert into {table} format JSONEachRow", f'{{"a":{number}}}', **wait)
    assert await client.text(f"select count() from {table}") == "3\n"


async def test_the_same_token_inserts_once(client: Client) -> None:
    table = await client.table("a UInt64", "MergeTree order by a settings non_replicated_deduplication_window = 100")
    for token, value in (("one", 1), ("one", 2), ("two", 3)):
        await client.text(f"insert into {table} format CSV", str(value), insert_deduplication_token=token)
    assert await client.text(f"select a from {table} order by a") == "1\n3\n"


async def test_materialised_views(client: Client) -> None:
    table = await client.table("day Date, n UInt64")
    await client.text(
        f"create materialized view {table}_mv (day Date, total AggregateFunction(sum, UInt64))"
        f" engine = AggregatingMergeTree order by day as select day, sumState(n) as total from {table} group by day"
    )
    for n in (1, 2, 3):
        await client.text(f"insert into {table} format CSV", f"2026-01-01,{n}")
    assert await client.text(f"select day, sumMerge(total) from {table}_mv group by day") == "2026-01-01\t6\n"


async def test_json_columns_and_ttl(client: Client) -> None:
    engine = "MergeTree order by ts ttl toDateTime(ts) + interval 400 day"
    table = await client.table("ts DateTime64(3, 'UTC'), data JSON", engine)
    row = {"ts": "2026-01-02T03:04:05.678Z", "data": {"user": {"id": 7}, "tags": ["a", "b"], "note": "line\nbreak"}}
    await client.text(f"insert into {table} format JSONEachRow", json.dumps(row), date_time_input_format="best_effort")
    found = await client.text(f"select ts, data.user.id as id, data from {table} format JSONEachRow")
    expected = {**row["data"], "user": {"id": 7}}  # type: ignore[dict-item]
    assert json.loads(found) == {"ts": "2026-01-02 03:04:05.678", "id": 7, "data": expected}
    old = {**row, "ts": "2020-01-01T00:00:00Z"}
    await client.text(f"insert into {table} format JSONEachRow", json.dumps(old), date_time_input_format="best_effort")
    await client.text(f"optimize table {table} final")
    assert await client.text(f"select count() from {table}") == "1\n"


async def test_mutations(client: Client) -> None:
    table = await client.table("a UInt64, b String", "MergeTree order by a")
    await client.text(f"insert into {table} select number, 'x' from numbers(10)")
    await client.text(f"alter table {table} update b = 'y' where a < 5", mutations_sync=1)
    await client.text(f"delete from {table} where a = 9")
    assert await client.text(f"select count(), countIf(b = 'y') from {table}") == "9\t5\n"
    await client.text(f"rename table {table} to {table}_2")
    await client.text(f"drop table {table}_2 sync")
