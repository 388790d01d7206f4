"""ClickHouse's HTTP interface, case by case: accounts, statements, parameters, settings, and the status of an error."""

import json
from typing import Any

import httpx
import pytest

from tests.stores.clickhouse_http.client import PASSWORD, Client

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
