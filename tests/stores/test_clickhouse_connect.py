"""ClickHouse's own Python client, blocking and asynchronous, works against the local server as against a real one."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any

import clickhouse_connect
import pytest
import pytest_asyncio
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from scripts.stack.process import free_port
from scripts.stores.clickhouse import ClickHouse

PASSWORD = "p@ss/word"

on_the_module_s_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClickHouse]:
    folder = tmp_path_factory.mktemp("clickhouse_connect")
    server = ClickHouse(folder / "data", free_port(), folder / "clickhouse.log", PASSWORD)
    await server.start()
    yield server
    await server.stop()


def options(server: ClickHouse, **more: Any) -> dict[str, Any]:
    account = {"username": server.username, "password": PASSWORD, "database": server.database}
    return {"host": "127.0.0.1", "port": server.port, "tz_mode": "aware", **account, **more}


@pytest.fixture
def client(server: ClickHouse) -> Iterator[Client]:
    with closing(clickhouse_connect.get_client(**options(server))) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def asynchronous(server: ClickHouse) -> AsyncIterator[AsyncClient]:
    client = await clickhouse_connect.get_async_client(**options(server))
    yield client
    await client.close()


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    """The name of a table to be, dropped afterwards."""
    name = f"t_{uuid.uuid4().hex}"
    yield name
    client.command(f"drop table if exists {name}")


def test_what_the_client_learns_when_it_connects(client: Client, server: ClickHouse) -> None:
    assert client.ping()
    assert str(client.server_version).startswith("26.")
    assert str(client.server_tz) == "UTC"
    assert client.command("select currentDatabase()") == server.database
    assert client.query("select 1").summary["query_id"]


def test_a_wrong_password(server: ClickHouse) -> None:
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(**options(server, password="wrong"))
    assert caught.value.code == 516
    assert "wrong" not in str(caught.value)


HOSTILE = "it's \"quoted\" \\ back\\slash \n new\tline \r {x:Int8} ; -- äöü 日本 🎉 \\' \\N"
BERLIN = timezone(timedelta(hours=1))
VALUES: list[tuple[str, Any]] = [
    ("String", HOSTILE),
    ("String", ""),
    ("String", "NULL"),
    ("Nullable(String)", None),
    ("Nullable(String)", "\\N"),
    ("Int64", -(2**63)),
    ("UInt64", 2**64 - 1),
    ("Int256", -(2**200)),
    ("Float64", 1.5e300),
    ("Bool", True),
    ("Decimal(38, 10)", Decimal("-12345678901234567890.0123456789")),
    ("Date", date(2026, 2, 3)),
    ("DateTime('UTC')", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
    ("DateTime64(6, 'UTC')", datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)),
    ("DateTime64(3, 'Europe/Berlin')", datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=BERLIN)),
    ("UUID", uuid.UUID("0190c2a0-0000-7000-8000-000000000001")),
    ("IPv4", IPv4Address("127.0.0.1")),
    ("Enum8('a' = 1, 'it\\'s' = 2)", "it's"),
    ("LowCardinality(String)", HOSTILE),
    ("FixedString(3)", b"abc"),
    ("Array(String)", [HOSTILE, "", "','"]),
    ("Array(Nullable(Int32))", [1, None, -3]),
    ("Array(Array(UInt8))", [[1, 2], []]),
    ("Tuple(String, UInt8)", (HOSTILE, 7)),
    ("Map(String, Array(String))", {HOSTILE: ["a", HOSTILE], "": []}),
]


@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_values_through_parameters_and_inserts(client: Client, table: str, kind: str, value: Any) -> None:
    if not kind.startswith(("FixedString", "Map")):  # the client has no parameter form of these
        found = client.query(f"select {{v:{kind}}} as v", parameters={"v": value}).result_rows[0][0]
        assert found == value
    client.command(f"create table {table} (n UInt8, v {kind}) engine = MergeTree order by n")
    client.insert(table, [[1, value]], column_names=["n", "v"])
    assert client.query(f"select v from {table}").result_rows == [(value,)]


def test_many_parameters_and_long_ones(client: Client) -> None:
    parameters = {f"p{number}": f"{number}'\n" for number in range(50)}
    sql = "select " + ", ".join(f"{{{name}:String}}" for name in parameters)
    assert client.query(sql, parameters=parameters).result_rows == [tuple(parameters.values())]
    long = HOSTILE * 20_000
    assert client.query("select {v:String} as v", parameters={"v": long}).result_rows == [(long,)]


def test_commands(client: Client, table: str) -> None:
    client.command(f"create table {table} (a UInt64) engine = MergeTree order by a")
    assert client.command(f"insert into {table} select number from numbers(5)").written_rows == 5  # type: ignore[union-attr]
    assert client.command(f"select count() from {table}") == 5
    assert client.command(f"insert into {table} format CSV", data="7\n8\n").written_rows == 2  # type: ignore[union-attr]
    assert client.command(f"select max(a) from {table}") == 8
    assert client.command("select 'a', 'b'") == ["a", "b"]
    assert client.command(f"select toString(a) from {table} where a = 100") == ""


def test_errors_have_codes_and_the_client_goes_on(client: Client) -> None:
    for sql, code in (("select nope", 47), ("selec 1", 62), ("select * from nope", 60), ("select throwIf(1)", 395)):
        with pytest.raises(DatabaseError) as caught:
            client.query(sql)
        assert caught.value.code == code
        assert client.query("select 1").result_rows == [(1,)]


def test_settings(client: Client) -> None:
    assert client.query("select getSetting('max_threads')", settings={"max_threads": 3}).result_rows == [(3,)]
    with pytest.raises(DatabaseError, match="TIMEOUT_EXCEEDED"):
        client.query("select count() from numbers(1000000000000)", settings={"max_execution_time": 0.2})
    limited = {"max_result_rows": 10, "result_overflow_mode": "break", "max_block_size": 5}
    assert len(client.query("select number from numbers(1000)", settings=limited).result_rows) == 10
    with pytest.raises(DatabaseError) as caught:
        client.command("create table z (a Int8) engine = Memory", settings={"readonly": "2"})
    assert caught.value.code == 164


@pytest.mark.parametrize("compress", [False, "gzip", "lz4", "zstd", True])
def test_compression(server: ClickHouse, table: str, compress: bool | str) -> None:
    rows = [[number, f"text {number % 100}"] for number in range(20_000)]
    with closing(clickhouse_connect.get_client(**options(server, compress=compress))) as client:
        client.command(f"create table {table} (a UInt64, b String) engine = MergeTree order by a")
        client.insert(table, rows, column_names=["a", "b"])
        assert client.query(f"select a, b from {table} order by a").result_rows == [tuple(row) for row in rows]


def test_large_results_streamed(client: Client) -> None:
    sql = "select number, repeat('x', 100) as text from numbers(1000000)"  # 110 MB
    count = size = 0
    with client.query_row_block_stream(sql) as blocks:
        for block in blocks:
            count += len(block)
            size += sum(len(row[1]) for row in block)
    assert (count, size) == (1_000_000, 100_000_000)
    with client.query_rows_stream(sql) as rows:  # left early
        assert next(iter(rows))[0] == 0
    assert client.query("select 1").result_rows == [(1,)]


def test_an_error_in_mid_stream_is_told(client: Client) -> None:
    sql = "select throwIf(number = 3000000, 'on purpose'), number from numbers(10000000)"
    seen = 0
    with pytest.raises(StreamFailureError, match="on purpose"), client.query_row_block_stream(
        sql, settings={"max_threads": 1}
    ) as blocks:  # fmt: skip
        for block in blocks:
            seen += len(block)
    assert 0 < seen <= 3_000_000
    with pytest.raises(DatabaseError, match="on purpose"):
        client.query("select throwIf(number = 3000000, 'on purpose') from numbers(10000000)")


def test_raw_formats(client: Client, table: str) -> None:
    client.command(f"create table {table} (a UInt64, b String) engine = MergeTree order by a")
    client.raw_insert(table, insert_block='{"a":1,"b":"x"}\n\n{"a":2,"b":"y"}', fmt="JSONEachRow")
    client.raw_insert(table, ["a", "b"], "3,z\n", fmt="CSV")
    assert client.raw_query(f"select * from {table} order by a", fmt="CSV") == b'1,"x"\n2,"y"\n3,"z"\n'
    with client.raw_stream(f"select a from {table} order by a", fmt="TSVWithNames") as stream:
        assert stream.read() == b"a\n1\n2\n3\n"


def test_a_session(server: ClickHouse) -> None:
    with closing(clickhouse_connect.get_client(**options(server, session_id=uuid.uuid4().hex))) as client:
        client.command("create temporary table kept (a UInt8)")
        client.insert("kept", [[1], [2]], column_names=["a"])
        client.command("set max_threads = 3")
        assert client.query("select sum(a), getSetting('max_threads') from kept").result_rows == [(3, 3)]


def test_json_and_nested_columns(client: Client, table: str) -> None:
    client.command(f"create table {table} (ts DateTime64(3, 'UTC'), data JSON) engine = MergeTree order by ts")
    now = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    client.insert(table, [[now, {"user": {"id": 7}, "tags": ["a"], "text": HOSTILE}]], column_names=["ts", "data"])
    ((ts, data),) = client.query(f"select ts, data from {table}").result_rows
    assert (ts, data) == (now, {"user": {"id": 7}, "tags": ["a"], "text": HOSTILE})


def test_a_running_query_is_cancelled_from_outside(client: Client, server: ClickHouse) -> None:
    query_id = uuid.uuid4().hex
    with ThreadPoolExecutor(1) as threads, closing(clickhouse_connect.get_client(**options(server))) as other:
        endless = "select count() from numbers(1000000000000)"
        asking = threads.submit(client.query, endless, settings={"query_id": query_id})
        # A kill that comes too early finds nothing, and the client makes a summary of that.
        while "finished" not in str(other.command(f"kill query where query_id = '{query_id}' sync")):
            assert not asking.done()
        with pytest.raises(DatabaseError) as caught:
            asking.result()
    assert caught.value.code == 394
    assert client.query("select 1").result_rows == [(1,)]


@on_the_module_s_loop
async def test_asynchronous_queries(asynchronous: AsyncClient) -> None:
    assert await asynchronous.ping()
    found = await asynchronous.query("select {v:Array(String)} as v, {d:DateTime64(3, 'UTC')} as d", parameters={
        "v": [HOSTILE], "d": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    })  # fmt: skip
    assert found.result_rows == [([HOSTILE], datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC))]
    with pytest.raises(DatabaseError) as caught:
        await asynchronous.query("select * from nope")
    assert caught.value.code == 60


@on_the_module_s_loop
async def test_asynchronous_queries_at_the_same_time(server: ClickHouse) -> None:
    client = await clickhouse_connect.get_async_client(**options(server, autogenerate_session_id=False))
    answers = await asyncio.gather(*(client.query(f"select sleep(0.2), {number}") for number in range(10)))
    assert [answer.result_rows for answer in answers] == [[(0, number)] for number in range(10)]
    await client.close()


@on_the_module_s_loop
async def test_asynchronous_inserts_and_streams(asynchronous: AsyncClient, table: str) -> None:
    await asynchronous.command(f"create table {table} (a UInt64, b Nullable(String)) engine = MergeTree order by a")
    rows = [[number, None if number % 2 else HOSTILE] for number in range(50_000)]
    await asynchronous.insert(table, rows, column_names=["a", "b"])
    count = 0
    async with await asynchronous.query_row_block_stream(f"select a, b from {table} order by a") as blocks:
        async for block in blocks:
            assert list(block[0]) == rows[count]
            count += len(block)
    assert count == len(rows)


@on_the_module_s_loop
async def test_an_asynchronous_query_is_cancelled_by_its_caller(asynchronous: AsyncClient, client: Client) -> None:
    endless = "select count() from numbers(1000000000000)"
    asking = asyncio.create_task(asynchronous.query(endless))
    running = f"select count() from system.processes where query like '{endless}%'"
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(client.command, running):
            await asyncio.sleep(0.01)
        asking.cancel()
        while await asyncio.to_thread(client.command, running):
            await asyncio.sleep(0.01)
