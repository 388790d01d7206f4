"""ClickHouse's HTTP interface, case by case: what a plain HTTP client sends and gets."""

import asyncio
import gzip
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

from scripts.stack.process import free_port
from scripts.stores.clickhouse import ClickHouse
from scripts.stores.clickhouse.compression import COMPRESSORS, DECOMPRESSORS

PASSWORD = "p@ss/wörd"
MEGABYTE = 1024 * 1024
# What reading one result may add to the server's memory, whatever its size: some blocks of it in each step of the pipeline.
STREAM_BYTES = 256 * MEGABYTE

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder = tmp_path_factory.mktemp("clickhouse_http")
    server = ClickHouse(folder / "data", free_port(), folder / "log" / "clickhouse.log", PASSWORD)
    await server.start()
    auth = httpx.BasicAuth(server.username, PASSWORD)
    async with httpx.AsyncClient(base_url=server.url, auth=auth, timeout=30, trust_env=False) as http:
        yield Client(server, http)
    await server.stop()
    assert "Traceback" not in server.log.read_text()


async def test_health_needs_no_account(client: Client) -> None:
    for path in ("/ping", "/"):
        answer = await client.http.get(path, auth=httpx.Auth())
        assert (answer.status_code, answer.text) == (200, "Ok.\n")
    assert (await client.http.get("/nothing")).status_code == 404
    assert (await client.http.put("/", content="select 1")).status_code == 405


async def test_accounts(client: Client) -> None:
    user, url = client.server.username, "/?query=select+1"
    nobody = httpx.Auth()
    key = {"x-clickhouse-user": user, "x-clickhouse-key": PASSWORD.encode()}
    assert (await client.http.get(url, auth=nobody, headers=key)).text == "1\n"  # type: ignore[arg-type]
    account = {"query": "select 1", "user": user, "password": PASSWORD}
    assert (await client.http.get("/", params=account, auth=nobody)).text == "1\n"
    wrong: list[dict[str, Any]] = [
        {"auth": (user, "wrong")},
        {"auth": ("somebody", PASSWORD)},
        {"auth": nobody},
        {"auth": nobody, "headers": {"authorization": "Basic ???"}},
        {"auth": nobody, "headers": {"x-clickhouse-user": user, "x-clickhouse-key": ""}},
    ]
    for options in wrong:
        answer = await client.http.get(url, **options)
        assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (403, "516")
        assert PASSWORD not in answer.text


async def test_the_statement_in_url_and_body(client: Client) -> None:
    assert (await client.http.get("/", params={"query": "select 1, 'ä'"})).text == "1\tä\n"
    assert await client.text("select 2") == "2\n"
    assert await client.text("select 1 +", "2") == "3\n"
    assert await client.text("select 3;\n -- the end") == "3\n"
    await client.error(62, 400, "")
    await client.error(62, 400, "select 1; select 2")
    await client.error(62, 400, "select 1;", "drop table t")


async def test_headers_of_an_answer(client: Client) -> None:
    answer = await client.post("select number from numbers(10)", query_id="my-id", default_format="JSONEachRow")
    headers = answer.headers
    assert headers["x-clickhouse-query-id"] == "my-id"
    assert headers["x-clickhouse-format"] == "JSONEachRow"
    assert headers["x-clickhouse-timezone"] == "UTC"
    assert headers["x-clickhouse-server-display-name"]
    assert headers["content-type"] == "application/x-ndjson; charset=UTF-8"
    summary = json.loads(headers["x-clickhouse-summary"])
    assert (summary["read_rows"], summary["result_rows"]) == ("10", "10")
    assert int(summary["elapsed_ns"]) > 0
    answer = await client.post("select 1", headers={"x-clickhouse-format": "CSV", "x-clickhouse-query-id": "other"})
    assert (answer.headers["x-clickhouse-query-id"], answer.headers["content-type"]) == (
        "other",
        "text/csv; charset=UTF-8; header=absent",
    )
    evil = await client.post("select 1", query_id="a\r\nset-cookie: x=1")
    assert "set-cookie" not in evil.headers
    zone = await client.post("select toString(toDateTime(0))", session_timezone="Asia/Tokyo")
    assert (zone.text, zone.headers["x-clickhouse-timezone"]) == ("1970-01-01 09:00:00\n", "Asia/Tokyo")


async def test_database_by_url_and_header(client: Client) -> None:
    await client.text("create database if not exists other")
    assert await client.text("select currentDatabase()") == f"{client.server.database}\n"
    assert await client.text("select currentDatabase()", database="other") == "other\n"
    by_header = await client.post("select currentDatabase()", headers={"x-clickhouse-database": "default"})
    assert by_header.text == "default\n"
    await client.error(81, 404, "select 1", database="nowhere")


PARAMETERS = [
    ("String", "it's \\\\ \\n \\t `x` {y:Int} 'z'", "it's \\ \n \t `x` {y:Int} 'z'"),
    ("String", "", ""),
    ("Nullable(String)", "\\N", None),
    ("UInt64", "18446744073709551615", 18446744073709551615),
    ("Float64", "1.5", 1.5),
    ("Bool", "true", True),
    ("Array(String)", "['a','b\\'c']", ["a", "b'c"]),
    ("Array(Array(UInt8))", "[[1],[]]", [[1], []]),
    ("Array(Nullable(Int8))", "[1,NULL]", [1, None]),
    ("Tuple(UInt8, String)", "(1,'x')", [1, "x"]),
    ("Map(String, UInt8)", "{'a':1}", {"a": 1}),
    ("DateTime64(3, 'UTC')", "2026-01-02 03:04:05.678", "2026-01-02 03:04:05.678"),
    ("UUID", "0190c2a0-0000-7000-8000-000000000001", "0190c2a0-0000-7000-8000-000000000001"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), PARAMETERS)
async def test_parameters_come_in_escaped_form(client: Client, kind: str, value: str, expected: Any) -> None:
    sql = f"select {{p:{kind}}} as p format JSONEachRow"
    found = await client.text(sql, param_p=value, output_format_json_quote_64bit_integers=0)
    assert json.loads(found) == {"p": expected}


async def test_a_parameter_is_data(client: Client) -> None:
    table = await client.table("x String")
    hostile = f"'); drop table {table}; --"
    await client.text(f"insert into {table} values ({{v:String}})", param_v=hostile)
    await client.text("insert into {t:Identifier} format JSONEachRow", '{"x":"second"}', param_t=table)
    assert await client.text(f"select count() from {table} where x = {{v:String}}", param_v=hostile) == "1\n"
    assert await client.text("select x from {t:Identifier} where x = 'second'", param_t=table) == "second\n"
    await client.error(456, 500, "select {missing:String}")


@pytest.mark.parametrize(
    ("code", "status", "sql"),
    [
        (62, 400, "selec 1"),
        (60, 404, "select * from no_such_table"),
        (47, 404, "select no_such_column"),
        (46, 404, "select noSuchFunction()"),
        (81, 404, "select * from nowhere.t"),
        (73, 404, "select 1 format NoSuch"),
        (53, 400, "select toDate('2026-01-01') = toIPv4('1.1.1.1') + 'x'"),
        (6, 400, "select toUInt8('x')"),
        (497, 403, "create user x"),
        (395, 500, "select throwIf(1, 'on purpose')"),
        (241, 500, "select groupArray(repeat('x', 1000)) from numbers(1000000) settings max_memory_usage = 10000000"),
        (159, 408, "select count() from numbers(1000000000000) settings max_execution_time = 0.2"),
        (396, 500, "select number from numbers(100) settings max_result_rows = 10, result_overflow_mode = 'throw'"),
        (115, 404, "select 1 settings no_such_setting = 1"),
        (452, 500, "select 1 settings dialect = 'kusto'"),
    ],
)
async def test_the_status_follows_the_code(client: Client, code: int, status: int, sql: str) -> None:
    if code == 53:
        code = 43  # which of the two types is wrong is the engine's choice
    text = await client.error(code, status, sql)
    assert text.endswith("(official build))\n")
    assert "Traceback" not in text


async def test_settings_in_the_url(client: Client) -> None:
    assert await client.text("select getSetting('max_threads')", max_threads=3) == "3\n"
    assert await client.text("select getSetting('max_threads')", max_threads=1) == "1\n"
    assert await client.text("select getSetting('format_csv_delimiter')", format_csv_delimiter="'") == "\\'\n"
    await client.error(115, 404, "select 1", no_such_setting=1)
    await client.error(115, 404, "select 1", **{"max_threads=1, x": "1"})
    limits = {"max_result_rows": 3, "result_overflow_mode": "break", "max_block_size": 1}
    assert len((await client.text("select number from numbers(100)", **limits)).splitlines()) == 3
    await client.error(159, 408, "select sleep(3)", max_execution_time=1)


async def test_reading_only(client: Client) -> None:
    table = await client.table("a Int8")
    for params in ({"query": f"insert into {table} values (1)"}, {"query": f"drop table {table}"}):
        answer = await client.http.get("/", params=params)
        assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (500, "164")
    await client.error(164, 500, f"insert into {table} format CSV", "1", readonly=1)
    await client.error(164, 500, f"truncate table {table}", readonly=2)
    await client.error(164, 500, f"insert into {table} select 1 settings readonly = 0", readonly=1)
    assert await client.text("select 1 settings max_threads = 2", readonly=2) == "1\n"
    assert await client.text("show tables like 'x'", readonly=1) == ""
    assert await client.text(f"select count() from {table}") == "0\n"


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


async def test_native_both_ways(client: Client) -> None:
    table = await client.table("a UInt64, b Array(Nullable(String)), c LowCardinality(String)")
    rows = "select number as a, ['x', null] as b, toString(number % 3) as c from numbers(100000)"
    data = (await client.post(f"{rows} format Native")).content
    await client.text(f"insert into {table} format Native", data)
    again = f"select a, b, c::String from {table} order by a"
    assert await client.text(again) == await client.text(rows)


HEADED = [
    "TSVWithNames", "TabSeparatedWithNamesAndTypes", "CSVWithNames", "CSVWithNamesAndTypes", "JSONCompactEachRowWithNames",
    "JSONCompactEachRowWithNamesAndTypes", "JSONCompactStringsEachRowWithNamesAndTypes", "RowBinaryWithNames",
    "RowBinaryWithNamesAndTypes",
]  # fmt: skip


@pytest.mark.parametrize("headed", HEADED)
async def test_a_streamed_result_has_one_header(client: Client, headed: str) -> None:
    plain = headed.partition("With")[0]
    sql = 'select number as "a ""b\n", toString(number) as s from numbers(50000) settings max_block_size = 1000'
    sent, rows = [(await client.post(f"{sql} format {one}")).content for one in (headed, plain)]
    assert sent.endswith(rows)
    header = sent[: -len(rows)]
    assert 0 < len(header) < 100
    empty = await client.post(sql.replace("50000", "0") + f" format {headed}")
    assert empty.content == header


@pytest.mark.parametrize(
    "output_format", ["JSON", "JSONCompact", "JSONColumns", "XML", "Pretty", "Vertical", "Markdown", "Values"]
)
async def test_other_formats_are_one_document(client: Client, output_format: str) -> None:
    answer = await client.post(
        f"select number from numbers(30000) settings max_block_size = 1000 format {output_format}"
    )
    assert answer.status_code == 200
    assert "transfer-encoding" not in answer.headers
    if output_format == "JSON":
        found = answer.json()
        assert (found["rows"], len(found["data"]), found["statistics"]["rows_read"]) == (30000, 30000, 30000)


async def test_totals_and_extremes(client: Client) -> None:
    totals = await client.text("select number % 2 as k, count() from numbers(4) group by k with totals order by k")
    assert totals == "0\t2\n1\t2\n\n0\t4\n"
    assert await client.text("select number from numbers(3)", extremes=1) == "0\n1\n2\n\n0\n2\n"


async def test_a_large_result_is_streamed_in_bounded_memory(client: Client) -> None:
    process = client.process()
    before, peak, size = process.memory_info().rss, 0, 0
    sql = "select number, repeat('x', 1000) from numbers(800000)"
    async with client.http.stream("POST", "/", content=sql) as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        async for piece in answer.aiter_raw(MEGABYTE):
            size += len(piece)
            peak = max(peak, process.memory_info().rss)
    assert size > 3 * STREAM_BYTES
    assert peak - before < STREAM_BYTES


async def test_a_reader_that_waits_makes_the_server_wait(client: Client) -> None:
    process = client.process()
    before = process.memory_info().rss
    sql = "select repeat('x', 1000) from numbers(100000000)"
    async with client.http.stream("POST", "/", content=sql, params={"query_id": "slow"}) as answer:
        assert answer.status_code == 200
        for _ in range(20):
            await client.text("select 1")
        assert process.memory_info().rss - before < STREAM_BYTES
    await nothing_runs(client, "slow")


async def test_waiting_for_the_end(client: Client) -> None:
    late = "select throwIf(number = 1999999), repeat('x', 100) from numbers(2000000)"
    await client.error(395, 500, late, wait_end_of_query=1)
    answer = await client.post("select repeat('x', 100) from numbers(200000)", wait_end_of_query=1)
    assert answer.text == ("x" * 100 + "\n") * 200000


async def test_an_error_in_mid_result_cuts_the_connection(client: Client) -> None:
    sql = "select throwIf(number = 5000000, 'on purpose'), number from numbers(100000000)"
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        async with client.http.stream("POST", "/", content=sql, params={"max_threads": 1}) as answer:
            assert answer.status_code == 200
            tag = answer.headers["x-clickhouse-exception-tag"].encode()
            async for piece in answer.aiter_raw():
                received += piece
    end = bytes(received[-2000:])
    message = end.partition(b"\r\n__exception__\r\n" + tag + b"\r\n")[2]
    text, _, size = message.removesuffix(b" " + tag + b"\r\n__exception__\r\n").rpartition(b"\n")
    assert text.startswith(b"Code: 395. DB::Exception: on purpose")
    assert int(size) == len(text) + 1


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


def pack(coding: str, data: bytes) -> bytes:
    compressor = COMPRESSORS[coding]()
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize("coding", COMPRESSORS)
async def test_compression_both_ways(client: Client, coding: str) -> None:
    table = await client.table("a UInt64")
    rows = "".join(f"{number}\n" for number in range(300000)).encode()
    packed = pack(coding, rows[:MEGABYTE]) + pack(coding, rows[MEGABYTE:])  # two frames in a row
    answer = await client.post(f"insert into {table} format CSV", packed, {"content-encoding": coding})
    assert answer.status_code == 200, answer.text
    for output_format in ("CSV", "JSON"):
        sql = f"select a from {table} order by a format {output_format}"
        plain = (await client.post(sql, headers={"accept-encoding": coding})).content
        params = {"query": sql, "enable_http_compression": "1"}
        async with client.http.stream("GET", "/", params=params, headers={"accept-encoding": coding}) as answer:
            assert answer.headers["content-encoding"] == coding
            received = b"".join([piece async for piece in answer.aiter_raw()])
        unpacked = DECOMPRESSORS[coding]().decompress(received)
        assert len(received) < len(plain)
        if output_format == "CSV":
            assert unpacked == plain == rows
        else:
            assert json.loads(unpacked)["data"] == json.loads(plain)["data"]


async def test_compression_that_cannot_be_undone(client: Client) -> None:
    for coding, code, status in (("gzip", "271", 500), ("br", "755", 415)):
        for data in (b"select 1", gzip.compress(b"select 1")[:-3] if coding == "gzip" else b"x"):
            answer = await client.post(data, headers={"content-encoding": coding})
            assert (answer.headers["x-clickhouse-exception-code"], answer.status_code) == (code, status), answer.text
    await client.error(48, 501, "select 1", compress=1)


async def test_chunked_bodies(client: Client) -> None:
    table = await client.table("a UInt64")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, 2_000_000, 20_000):
            yield "".join(f"{number}\n" for number in range(start, start + 20_000)).encode()

    answer = await client.http.post("/", params={"query": f"insert into {table} format CSV"}, content=pieces())
    assert json.loads(answer.headers["x-clickhouse-summary"])["written_rows"] == "2000000"
    assert await client.text(f"select count(), max(a) from {table}") == "2000000\t1999999\n"

    async def statement() -> AsyncIterator[bytes]:
        for word in (b"select", b" 1", b" + 1"):
            yield word

    assert (await client.http.post("/", content=statement())).text == "2\n"


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


async def test_forms(client: Client) -> None:
    long = "x'\\n" * 100_000
    form = {"query": (None, "select length({p:String}), {q:UInt8}"), "param_p": (None, long), "param_q": (None, "7")}
    answer = await client.http.post("/", files=form)
    assert answer.text == f"{len(long) - 100_000}\t7\n"
    answer = await client.http.post("/", files={"query": (None, "select 1"), "t": ("t.csv", b"1")})
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (501, "48")


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
