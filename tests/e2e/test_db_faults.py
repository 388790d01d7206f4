"""Stores that are down, slow, cut off or lying: what callers are told, and what then stands in the store."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.e2e.fault_proxy import Fault, FaultProxy, cut_after, cut_before, cut_within, held, passed, says
from tests.e2e.platform import Platform

THING = {"id": "a", "type": "x"}
UNREADABLE = {
    "no JSON": says("200 OK", b"<html>hello</html>"),
    "half a JSON": says("200 OK", b'{"fields": [{"na'),
    "another shape": says("200 OK", b'{"fields": [], "rows": [["1"]], "command": 5}'),
    "a list": says("200 OK", b"[]"),
    "nothing": says("200 OK", b""),
    "no UTF-8": says("200 OK", b'{"rows": "\xff\xfe"}'),
    "an error without a code": says("400 Bad Request", b'{"message": "password is hunter2"}'),
    "an error of the store's own": says("500 Internal Server Error", b"stack trace with a secret"),
}


@pytest.fixture
async def neon(platform: Platform) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(platform.proxies.neon, platform.ports.neon) as proxy:
        yield proxy


@pytest.fixture
async def clickhouse(platform: Platform) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(platform.proxies.clickhouse, platform.ports.clickhouse) as proxy:
        yield proxy


def code(answer: dict[str, Any]) -> str:
    """The code a caller is told; OK when the call succeeded."""
    message: str = answer["error"]["message"] if "error" in answer else "OK: "
    for inside in ("hunter2", "secret", "Traceback", "127.0.0.1", "stack"):
        assert inside not in message
    return message.strip().splitlines()[-1].partition(":")[0]


async def told(platform: Platform, method: str, *args: object) -> str:
    """The code that the Worker with the failing stores answers."""
    return code(await platform.call("FAULTY_DB", method, *args))


def versions(platform: Platform, ns: str) -> list[int]:
    return [version for (version,) in platform.rows("select version from things where ns = %s order by id", ns)]


# --- PostgreSQL ---


async def test_a_database_that_is_down_is_said_to_be(platform: Platform, ns: str) -> None:
    assert await told(platform, "get", ns, "a") == "UNAVAILABLE"
    assert await told(platform, "upsert", {"ns": ns, **THING}) == "UNAVAILABLE"
    health = (await platform.call("FAULTY_DB", "health"))["ok"]
    assert (health["status"], health["postgres"]["status"], health["clickhouse"]["status"]) == (
        "degraded",
        "down",
        "down",
    )


@pytest.mark.parametrize("fault", [cut_before, cut_after, cut_within, says("503 Service Unavailable", b"")])
async def test_a_read_is_tried_three_times(platform: Platform, neon: FaultProxy, ns: str, fault: Fault) -> None:
    neon.faults.extend([fault, fault])
    assert await told(platform, "get", ns, "a") == "OK"
    assert len(neon.seen) == 3
    neon.faults.extend([fault, fault, fault])
    assert await told(platform, "get", ns, "a") in ("UNAVAILABLE", "DATABASE_ERROR")
    assert len(neon.seen) in (6, 4)


@pytest.mark.parametrize("fault", [cut_before, cut_after, cut_within])
async def test_a_write_is_not_repeated_blindly(platform: Platform, neon: FaultProxy, ns: str, fault: Fault) -> None:
    neon.faults.append(fault)
    assert await told(platform, "upsert", {"ns": ns, **THING}) == "UNAVAILABLE"
    assert len(neon.seen) == 1
    assert versions(platform, ns) == ([] if fault is cut_before else [1])


@pytest.mark.parametrize("fault", [cut_before, cut_after, cut_within])
async def test_a_write_with_a_key_is_repeated_and_done_once(
    platform: Platform, neon: FaultProxy, ns: str, fault: Fault
) -> None:
    neon.faults.extend([passed, fault])  # the first request forgets keys that are too old
    answer = await platform.call("FAULTY_DB", "upsert", {"ns": ns, **THING}, {"idempotencyKey": ns})
    assert answer["ok"]["version"] == 1
    assert versions(platform, ns) == [1]


@pytest.mark.parametrize("fault", [cut_before, cut_after, cut_within])
async def test_a_batch_is_written_whole_or_not_at_all(
    platform: Platform, neon: FaultProxy, ns: str, fault: Fault
) -> None:
    batch = [{"ns": ns, "id": f"i{n:04}", "type": "x", "data": {"n": n}} for n in range(1000)]
    neon.faults.append(fault)
    assert await told(platform, "batchUpsert", batch) == "UNAVAILABLE"
    assert versions(platform, ns) == ([] if fault is cut_before else [1] * 1000)


@pytest.mark.parametrize("fault", UNREADABLE.values(), ids=UNREADABLE)
async def test_an_answer_that_makes_no_sense_is_an_error_of_the_database(
    platform: Platform, neon: FaultProxy, ns: str, fault: Fault
) -> None:
    for method, *args in (("get", ns, "a"), ("query", "select 1"), ("upsert", {"ns": ns, **THING})):
        neon.faults.append(fault)
        assert await told(platform, str(method), *args) == "DATABASE_ERROR"
    neon.faults.append(fault)
    assert await told(platform, "transaction", [{"sql": "select 1"}, {"sql": "select 2"}]) == "DATABASE_ERROR"
    assert versions(platform, ns) == []


async def test_an_answer_that_does_not_come_is_a_timeout(platform: Platform, neon: FaultProxy) -> None:
    neon.faults.append(held)
    assert await told(platform, "query", "select 1", [], {"timeoutMs": 200}) == "TIMEOUT"
    assert len(neon.seen) == 1


async def test_a_statement_that_takes_too_long_ends_in_the_database_too(platform: Platform) -> None:
    answer = await platform.call("DB", "query", "select pg_sleep(60), 'mark of this test'", [], {"timeoutMs": 300})
    assert code(answer) == "TIMEOUT"
    running = platform.rows(
        "select count(*) from pg_stat_activity where query like %s and state = 'active' and pid <> pg_backend_pid()",
        "%mark of this test%",
    )
    assert running == [(0,)]


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "57P01", "57P03"])
async def test_what_passes_by_itself_is_tried_again_where_that_is_safe(
    platform: Platform, neon: FaultProxy, ns: str, sqlstate: str
) -> None:
    body = json.dumps({"code": sqlstate, "message": "password is hunter2"}).encode()
    fault = says("400 Bad Request", body)
    neon.faults.extend([fault, fault])
    assert await told(platform, "get", ns, "a") == "OK"
    neon.faults.append(fault)
    answer = await platform.call(
        "FAULTY_DB", "execute", "insert into things (ns, id, type) values ($1, 'a', 'x')", [ns]
    )
    assert code(answer) == ("RETRY" if sqlstate[0] == "4" else "UNAVAILABLE")
    assert versions(platform, ns) == []


async def test_of_two_that_cannot_both_hold_one_is_told_to_try_again(platform: Platform, ns: str) -> None:
    """Write skew: each inserts when it sees no row of the namespace, and both see none."""
    statements = [
        {"sql": "select pg_sleep(0.3)"},
        {
            "sql": "insert into things (ns, id, type) select $1, $2, 'x' where not exists (select from things where ns = $1)"
        },
        {"sql": "select pg_sleep(0.3)"},
    ]

    def transaction(id: str) -> Any:
        told = [{**one, "params": [ns, id]} if "$1" in one["sql"] else one for one in statements]
        return platform.call("DB", "transaction", told, {"isolation": "serializable"})

    answers = await asyncio.gather(transaction("a"), transaction("b"))
    assert sorted(map(code, answers)) == ["OK", "RETRY"]
    assert versions(platform, ns) == [1]


async def test_reads_survive_connections_that_are_ended(platform: Platform, ns: str) -> None:
    await platform.result("DB", "upsert", {"ns": ns, **THING})

    def end_all() -> int:
        sql = """
            select count(pg_terminate_backend(pid)) from pg_stat_activity
            where pid <> pg_backend_pid() and datname = current_database()
        """
        with psycopg.connect(platform.postgres_url, autocommit=True) as connection:
            return int(connection.execute(sql).fetchall()[0][0])

    ended = 0
    for _ in range(5):
        reads = asyncio.gather(*(platform.call("DB", "get", ns, "a") for _ in range(20)))
        ended += await asyncio.to_thread(end_all)
        for answer in await reads:
            assert answer["ok"]["version"] == 1, answer
    assert ended > 0


# --- ClickHouse ---


async def test_without_analytics_the_rest_works(platform: Platform, neon: FaultProxy, ns: str) -> None:
    assert await told(platform, "clickhouse", "select 1") == "UNAVAILABLE"
    assert await told(platform, "ingest", "events", [{"type": ns}]) == "UNAVAILABLE"
    assert await told(platform, "upsert", {"ns": ns, **THING}) == "OK"
    health = (await platform.call("FAULTY_DB", "health"))["ok"]
    assert (health["status"], health["postgres"]["status"], health["clickhouse"]["status"]) == (
        "degraded",
        "ok",
        "down",
    )


@pytest.mark.parametrize("fault", [cut_before, cut_after, cut_within])
async def test_an_ingest_that_is_cut_is_repeated_and_done_once(
    platform: Platform, clickhouse: FaultProxy, ns: str, fault: Fault
) -> None:
    clickhouse.faults.append(fault)
    rows = [{"type": ns, "data": {"n": n}} for n in range(100)]
    assert await told(platform, "ingest", "events", rows) == "OK"
    found = await platform.result(
        "DB", "clickhouse", "select count() as n from events where type = {t:String}", {"t": ns}
    )
    assert found["data"] == [{"n": 100}]


@pytest.mark.parametrize("name", ["no JSON", "half a JSON", "another shape", "a list", "nothing", "no UTF-8"])
async def test_an_analytics_answer_that_makes_no_sense_is_an_error(
    platform: Platform, clickhouse: FaultProxy, name: str
) -> None:
    clickhouse.faults.append(UNREADABLE[name])
    assert await told(platform, "clickhouse", "select 1") not in ("OK", "INTERNAL")


async def test_an_exception_behind_a_status_of_200_is_seen(platform: Platform, clickhouse: FaultProxy) -> None:
    body = b"Code: 241. DB::Exception: Memory limit exceeded: hunter2"
    clickhouse.faults.append(says("200 OK", body, extra="x-clickhouse-exception-code: 241\r\n"))
    assert await told(platform, "recentActivity") not in ("OK", "INTERNAL")


async def test_analytics_that_do_not_answer_are_a_timeout(platform: Platform, clickhouse: FaultProxy) -> None:
    clickhouse.faults.append(held)
    assert await told(platform, "clickhouse", "select 1", {}, {"maxExecutionTime": 1}) == "TIMEOUT"


# --- the runtime ---


async def test_what_was_acknowledged_outlives_the_runtime(platform: Platform, ns: str) -> None:
    """The runtime's process is killed while writes are in flight; each acknowledged one is there, whole."""
    acknowledged: list[str] = []
    enough = asyncio.Event()

    async def writer(name: str) -> None:
        for n in range(200):
            try:
                answer = await platform.call(
                    "DB", "upsert", {"ns": ns, "id": f"{name}{n}", "type": "x", "data": {"n": n}}
                )
            except (httpx.HTTPError, ValueError):
                return
            if "ok" in answer:
                acknowledged.append(f"{name}{n}")
            if len(acknowledged) > 30:
                enough.set()

    writers = [asyncio.create_task(writer(name)) for name in "abcd"]
    await enough.wait()
    platform.kill_runtime()
    await asyncio.gather(*writers)
    await platform.until_ready()
    stored = dict(platform.rows("select id, data from things where ns = %s", ns))
    assert set(acknowledged) <= set(stored)
    assert all(data == {"n": int(id[1:])} for id, data in stored.items())
