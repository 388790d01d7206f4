"""The analytics database by RPC from JavaScript: queries, ingests, what happened last."""

import asyncio
from typing import Any

import pytest

from tests.e2e.platform import Platform
from tests.e2e.rpc_calls import BYTES, DATE, HOSTILE, NAN, refused


async def test_typed_parameters_reach_clickhouse_as_they_are(platform: Platform) -> None:
    values = {
        "text": HOSTILE, "number": -5, "big": {"$js": "bigint"}, "real": 1.5, "yes": True, "texts": [HOSTILE, "", "NULL"],
        "numbers": [1, None, 3], "map": {HOSTILE: HOSTILE}, "counts": {"a": 1}, "instant": DATE, "day": "2026-02-28",
        "nested": [["a"], []],
    }  # fmt: skip
    types = {
        "text": "String", "number": "Int32", "big": "Int64", "real": "Float64", "yes": "Bool", "texts": "Array(String)",
        "numbers": "Array(Nullable(Int32))", "map": "Map(String, String)", "counts": "Map(String, UInt8)",
        "instant": "DateTime64(3, 'UTC')", "day": "Date", "nested": "Array(Array(String))",
    }  # fmt: skip
    sql = "select " + ", ".join(f"{{{name}:{type_}}} as {name}" for name, type_ in types.items() if name != "big")
    result = await platform.result("DB", "clickhouse", f"{sql}, toString({{big:Int64}}) as big", values)
    assert result["data"] == [{**values, "instant": "2026-02-28 22:59:59.123", "big": "9007199254740993"}]
    assert result["rows"] == 1
    assert {column["name"]: column["type"] for column in result["meta"]} == {**types, "big": "String"}
    nothing = await platform.result("DB", "clickhouse", "select {x:Nullable(String)} as x", {"x": None})
    assert nothing["data"] == [{"x": None}]


@pytest.mark.parametrize(
    ("sql", "params", "options", "code"),
    [
        ("insert into events (type) values ('{ns}')", {}, {}, "READ_ONLY"),
        ("alter table events delete where 1", {}, {}, "READ_ONLY"), ("truncate table events", {}, {}, "READ_ONLY"),
        ("drop table events", {}, {}, "READ_ONLY"), ("create table t (a Int8) engine = Memory", {}, {}, "READ_ONLY"),
        ("select 1; select 2", {}, {}, "INVALID_SQL"), ("", {}, {}, "INVALID_SQL"),
        ("select 1 format TSV", {}, {}, "INVALID_SQL"),
        ("select * from nowhere", {}, {}, "INVALID_SQL"), ("select {x:UInt8}", {}, {}, "INVALID_SQL"),
        ("select {x:UInt8}", {"x": "abc"}, {}, "INVALID_ARGUMENT"), ("select {x:String}", {"x": BYTES}, {}, "INVALID_ARGUMENT"),
        ("select {x:String}", {"x": {"$js": "function"}}, {}, "INVALID_ARGUMENT"),
        ("select 1", [], {}, "INVALID_ARGUMENT"), ("select 1", {}, {"maxMemoryUsage": 1}, "INVALID_ARGUMENT"),
        ("select 1", {}, {"maxExecutionTime": 26}, "INVALID_ARGUMENT"),
        ("select 1", {}, {"maxResultRows": 100_001}, "INVALID_ARGUMENT"),
        ("select number from numbers(11)", {}, {"maxResultRows": 10}, "RESULT_TOO_LARGE"),
        ("select sleep(3)", {}, {"maxExecutionTime": 1}, "TIMEOUT"),
        ("select number from numbers(20000) settings max_result_rows = 0", {}, {}, "INVALID_SQL"),
        ("set max_result_rows = 0", {}, {}, "INVALID_SQL"), ("kill query where 1", {}, {}, "READ_ONLY"),
        ("select * from url('http://127.0.0.1:1/', CSV, 'a String')", {}, {}, "INVALID_SQL"),
        ("select * from file('/etc/passwd', CSV, 'a String')", {}, {}, "INVALID_SQL"),
        ("select 1 into outfile '/tmp/x'", {}, {}, "DATABASE_ERROR"),
    ],
)  # fmt: skip
async def test_analytics_refuse_writes_and_what_is_wrong(
    platform: Platform, ns: str, sql: str, params: Any, options: dict[str, Any], code: str
) -> None:
    await refused(platform, code, "clickhouse", sql.replace("{ns}", ns), params, options)
    assert await events_of(platform, "type", ns) == 0


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("9007199254740991", 9007199254740991), ("9007199254740992", "9007199254740992"),
        ("-9007199254740993", "-9007199254740993"), ("18446744073709551615", "18446744073709551615"),
        ("[toInt64(9007199254740993), 1]", ["9007199254740993", 1]), ("toInt128('1' || repeat('0', 30))", f"1{'0' * 30}"),
        ("toDecimal128('0.1234567890123456789', 19)", "0.1234567890123456789"), ("toDecimal64(1, 2)", "1"),
        ("map('a', toUInt64(9007199254740992))", {"a": "9007199254740992"}), ("'9007199254740992'", "9007199254740992"),
        ("0.1", 0.1), ("1 / 3", 1 / 3), ("count()", 1), ("nan", None),
    ],
)  # fmt: skip
async def test_numbers_of_the_analytics_database_are_exact(platform: Platform, expression: str, value: Any) -> None:
    sql = f"select {expression} as v"
    assert (await platform.result("DB", "clickhouse", sql))["data"] == [{"v": value}]
    assert (await platform.from_python("DB", "clickhouse", sql))["ok"]["data"] == [{"v": value}]


async def test_probes_are_rolled_up_by_the_hour_and_the_day(platform: Platform, ns: str) -> None:
    rows = [{"service": ns, "status": status, "latency_ms": 2.5} for status in ("ok", "down", "degraded")]
    for _ in range(2):
        await platform.result("DB", "ingest", "service_health", rows, {"token": ns})
    for table in ("service_health_hourly", "service_health_daily"):
        sql = f"""
        select countMerge(probes) as n, countIfMerge(errors) as errors,
               quantilesTDigestMerge(0.5, 0.95, 0.99)(latencies) as latencies
        from {table} where service = {{service:String}}
        """
        read = await platform.result("DB", "clickhouse", sql, {"service": ns})
        assert read["data"] == [{"n": 3, "errors": 2, "latencies": [2.5, 2.5, 2.5]}]


async def test_all_events_are_counted_whatever_types_are_shown(platform: Platform, ns: str) -> None:
    await platform.result("DB", "ingest", "events", [{"type": f"{ns}-{n}"} for n in range(120)])
    before = await platform.result("DB", "clickhouse", "select count() as n from events")
    stats = await platform.result("DB", "clickhouseStats")
    assert len(stats["events"]) == 100
    assert set(stats["events"][0]) == {"type", "count", "first", "last"}
    assert stats["total"] >= before["data"][0]["n"] > sum(row["count"] for row in stats["events"])


async def events_of(platform: Platform, column: str, value: str) -> int:
    sql = f"select count() as n from events where {column} = {{value:String}}"
    return int((await platform.result("DB", "clickhouse", sql, {"value": value}))["data"][0]["n"])


@pytest.mark.parametrize(
    ("table", "bad"),
    [
        ("events", {}), ("events", {"type": ""}), ("events", {"type": 5}), ("events", {"type": ["a"]}),
        ("events", {"type": "t", "surprise": 1}), ("events", {"type": "t", "data": "text"}),
        ("events", {"type": "t", "data": {"x": NAN}}), ("events", {"type": "t", "data": {"x": BYTES}}),
        ("events", {"type": "t", "ts": "yesterday"}), ("events", {"type": "t", "ulid": "short"}),
        ("api_requests", {"status": 70_000}), ("api_requests", {"status": "200"}), ("api_requests", {"status": -1}),
        ("api_requests", {"duration_ms": NAN}), ("api_requests", {"bytes_in": -1}), ("api_requests", {"requestId": "r"}),
        ("service_health", {"status": "ok"}), ("service_health", {"service": "s", "status": "ok", "latency_ms": NAN}),
        ("service_health", {"service": "s", "status": "ok", "ts": "2026-13-01"}),
    ],
)  # fmt: skip
async def test_one_bad_row_of_a_thousand_is_not_ingested_nor_the_others(
    platform: Platform, ns: str, table: str, bad: dict[str, Any]
) -> None:
    good = {
        "events": {"type": "t", "id": ns}, "api_requests": {"route": ns}, "service_health": {"service": ns, "status": "ok"},
    }[table]  # fmt: skip
    await refused(platform, "INVALID_ARGUMENT", "ingest", table, [*[good] * 999, bad])
    column = {"events": "id", "api_requests": "route", "service_health": "service"}[table]
    sql = f"select count() as n from {table} where {column} = {{value:String}}"
    assert (await platform.result("DB", "clickhouse", sql, {"value": ns}))["data"] == [{"n": 0}]


async def test_a_token_makes_an_ingest_count_once(platform: Platform, ns: str) -> None:
    rows = [{"type": ns, "id": str(n), "source": HOSTILE, "data": {HOSTILE: n}} for n in range(100)]
    for _ in range(3):
        assert await platform.result("DB", "ingest", "events", rows, {"token": ns}) == {"inserted": 100}
    await asyncio.gather(*(platform.result("DB", "ingest", "events", rows, {"token": f"{ns}-2"}) for _ in range(4)))
    assert await events_of(platform, "type", ns) == 200
    assert await platform.result("DB", "ingest", "events", []) == {"inserted": 0}
    for table, column in (("events_hourly", "type"), ("events_daily", "type")):
        sql = f"select countMerge(events) as n, uniqMerge(ids) as ids from {table} where {column} = {{ns:String}}"
        assert (await platform.result("DB", "clickhouse", sql, {"ns": ns}))["data"] == [{"n": 200, "ids": 100}]
    stats = await platform.result("DB", "clickhouseStats")
    (own,) = [row for row in stats["events"] if row["type"] == ns]
    assert (own["count"], own["first"] <= own["last"]) == (200, True)
    assert stats["total"] >= 200


async def test_what_happened_last_comes_first(platform: Platform, ns: str) -> None:
    at = [f"2999-01-0{day}T10:00:00.5Z" for day in (2, 1, 3)]
    await platform.result("DB", "ingest", "events", [{"type": ns, "ts": ts, "data": {"a": {"b": [1]}}} for ts in at])
    recent = (await platform.result("DB", "recentActivity", 3))["data"]
    own = [row for row in recent if row["type"] == ns]
    assert [row["ts"] for row in own] == sorted((ts.replace(".5Z", ".500Z") for ts in at), reverse=True)
    assert own[0]["data"] == {"a": {"b": [1]}}


async def test_an_events_data_stays_as_it_was_written(platform: Platform, ns: str) -> None:
    data = {
        "iso": "2024-01-01T10:00:00+05:00", "utc": "2024-01-01T10:00:00Z", "day": "2024-01-01", "loose": "Jan 2 2024 10:00",
        "month": "May 2024", "time": "12:30:00", "version": "1.2.3", "number": "12", "true": "true", "null": "null",
        "list": ["2024-01-01", "2024-01-02T03:04:05.678Z"], "deep": {"at": ["a", {"on": "2024-12-31 23:59:59"}]},
        "mixed": [True, 1, None, "x", 2.5, [True, 7], {"a": False}], "flags": [True, False], "numbers": [1, True],
    }  # fmt: skip
    await platform.result("DB", "ingest", "events", [{"type": ns, "ts": "2999-02-01T10:00:00Z", "data": data}])
    (stored, *_) = (await platform.result("DB", "recentActivity", 1))["data"]
    assert (stored["type"], stored["ts"], stored["data"]) == (ns, "2999-02-01T10:00:00.000Z", data)
