"""Stores that are down, slow, cut off or lying: what callers are told, and what then stands in the store."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest

from dotdo.identity import Identity
from tests.e2e.fault_proxy import Fault, FaultProxy, cut_after, cut_before, cut_within, held, passed, says
from tests.e2e.platform import Platform, problem

THING = {"id": "a", "type": "x"}
UNREADABLE = {
    "no JSON": says("200 OK", b"<html>hello</html>"),
    "half a JSON": says("200 OK", b'{"fields": [{"na'),
    "another shape": says("200 OK", b'{"fields": [], "rows": [["1"]], "command": 5}'),
    "a list": says("200 OK", b"[]"),
    "nothing": says("200 OK", b""),
    "no UTF-8": says("200 OK", b'{"rows": "\xff\xfe"}'),
    "an error without a code": says("400 Bad Request", b'{"message": "password is hunter2"}'),
}
OUT_OF_ORDER = says("500 Internal Server Error", b"stack trace with a secret")


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


async def told_by(platform: Platform, method: str, *args: object) -> str:
    """The code that the Worker with the sound stores answers."""
    return code(await platform.call("DB", method, *args))


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


BROKEN = [cut_before, cut_after, cut_within, says("503 Service Unavailable", b""), OUT_OF_ORDER]


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("method", ["get", "list", "count"])
async def test_a_read_is_tried_three_times(
    platform: Platform, neon: FaultProxy, ns: str, method: str, fault: Fault
) -> None:
    args = [ns, "a"] if method == "get" else [ns]
    neon.faults.extend([fault, fault])
    assert await told(platform, method, *args) == "OK"
    assert len(neon.seen) == 3
    neon.faults.extend([fault, fault, fault])
    assert await told(platform, method, *args) == "UNAVAILABLE"
    assert len(neon.seen) == 6


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("method", ["query", "first", "execute"])
async def test_a_statement_is_tried_three_times_where_its_caller_says_so(
    platform: Platform, neon: FaultProxy, method: str, fault: Fault
) -> None:
    neon.faults.extend([fault, fault])
    assert await told(platform, method, "select 1", [], {"repeatable": True}) == "OK"
    neon.faults.append(fault)
    assert await told(platform, method, "select 1") == "UNAVAILABLE"
    assert len(neon.seen) == 4


async def test_a_caller_is_known_though_the_database_drops_connections(platform: Platform, neon: FaultProxy) -> None:
    """auth reads by way of db: what is dropped there must not make a good key look unknown."""
    neon.faults.extend([cut_before] * 3)
    assert code(await platform.call("CUT_AUTH", "verify", platform.keys["viewer"])) == "UNAVAILABLE"
    neon.faults.extend([cut_before, cut_after])
    verified = await platform.call("CUT_AUTH", "verify", platform.keys["viewer"])
    assert verified["ok"]["valid"], verified


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("isolation", ["read_committed", "serializable"])
async def test_a_transaction_that_is_dropped_happened_whole_or_not_at_all(
    platform: Platform, neon: FaultProxy, ns: str, isolation: str, fault: Fault
) -> None:
    insert = "insert into things (ns, id, type) values ($1, $2, 'x')"
    statements = [{"sql": insert, "params": [ns, str(n)]} for n in range(20)]
    neon.faults.append(fault)
    assert await told(platform, "transaction", statements, {"isolation": isolation}) == "UNAVAILABLE"
    assert len(neon.seen) == 1, "nobody knows whether it happened: it is not repeated"
    assert versions(platform, ns) == ([1] * 20 if fault in (cut_after, cut_within) else [])


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_transaction_that_reads_is_tried_three_times(
    platform: Platform, neon: FaultProxy, fault: Fault
) -> None:
    neon.faults.extend([fault, fault])
    assert await told(platform, "transaction", [{"sql": "select 1"}] * 2, {"readOnly": True}) == "OK"
    assert len(neon.seen) == 3


async def test_a_transaction_whose_connection_ends_leaves_nothing(platform: Platform, ns: str) -> None:
    insert = {"sql": "insert into things (ns, id, type) values ($1, 'a', 'x')", "params": [ns]}
    end = {"sql": "select pg_terminate_backend(pg_backend_pid())"}
    assert await told_by(platform, "transaction", [insert, end, insert]) in ("UNAVAILABLE", "DATABASE_ERROR")
    assert versions(platform, ns) == []


async def test_a_transaction_slower_than_its_limit_leaves_nothing(platform: Platform, ns: str) -> None:
    insert = {"sql": "insert into things (ns, id, type) values ($1, 'a', 'x')", "params": [ns]}
    slow = {"sql": "select pg_sleep(60)"}
    assert await told_by(platform, "transaction", [insert, slow], {"timeoutMs": 300}) == "TIMEOUT"
    assert versions(platform, ns) == []


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("method", ["get", "upsert", "query"])
async def test_an_answer_with_a_wrong_byte_in_it_is_never_a_fault_of_ours(
    platform: Platform, neon: FaultProxy, ns: str, method: str, at: float
) -> None:
    async def corrupted(request: bytes, proxy: FaultProxy) -> bytes:
        head, _, body = (await proxy.forward(request)).partition(b"\r\n\r\n")
        place = int(len(body) * at)
        return head + b"\r\n\r\n" + body[:place] + b"\x00" + body[place + 1 :]

    await platform.result("DB", "upsert", {"ns": ns, **THING})
    neon.faults.append(corrupted)
    calls: dict[str, list[Any]] = {
        "get": [ns, "a"], "upsert": [{"ns": ns, **THING}], "query": ["select repeat('x', 50) as x"]
    }  # fmt: skip
    assert await told(platform, method, *calls[method]) == "DATABASE_ERROR"
    assert versions(platform, ns) == [2 if method == "upsert" else 1]


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_write_is_not_repeated_blindly(platform: Platform, neon: FaultProxy, ns: str, fault: Fault) -> None:
    neon.faults.append(fault)
    assert await told(platform, "upsert", {"ns": ns, **THING}) == "UNAVAILABLE"
    assert len(neon.seen) == 1
    assert versions(platform, ns) == ([1] if fault in (cut_after, cut_within) else [])


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


@pytest.mark.parametrize("fault", BROKEN)
async def test_an_analytics_read_is_tried_three_times(platform: Platform, clickhouse: FaultProxy, fault: Fault) -> None:
    clickhouse.faults.extend([fault, fault])
    assert await told(platform, "clickhouse", "select 1") == "OK"
    clickhouse.faults.extend([fault, fault, fault])
    assert await told(platform, "recentActivity") == "UNAVAILABLE"
    assert len(clickhouse.seen) == 6


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


# --- over HTTP ---


@pytest.fixture
async def faulty(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """An admin's client of the Worker with the failing stores."""
    admin = Identity("user", "u", "admin", permissions=("*",))
    async with platform.behind_the_gateway("db", admin, base_url=f"http://127.0.0.1:{platform.proxies.db}") as client:
        yield client


async def test_stores_that_are_down_have_their_status(faulty: httpx.AsyncClient, ns: str) -> None:
    problem(await faulty.get(f"/things/{ns}/a"), 503, "UNAVAILABLE")
    problem(await faulty.put(f"/things/{ns}/a", json={"type": "x"}), 503, "UNAVAILABLE")
    problem(await faulty.get("/activity"), 503, "UNAVAILABLE")
    health = await faulty.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")


@pytest.mark.parametrize("fault", [cut_before, cut_after, cut_within])
@pytest.mark.parametrize("path", ["/things/batch", "/relationships"])
async def test_a_write_with_a_key_survives_a_cut(
    platform: Platform, neon: FaultProxy, faulty: httpx.AsyncClient, ns: str, path: str, fault: Fault
) -> None:
    edge = {"type": "x", "from_ns": ns, "from_id": "a", "to_ns": ns, "to_id": "b"}
    body = {"things": [{"ns": ns, "id": str(n), "type": "x"} for n in range(10)]} if "batch" in path else edge
    neon.faults.extend([passed, fault])  # the first request forgets keys that are too old
    answer = await faulty.post(path, json=body, headers={"idempotency-key": ns})
    assert answer.is_success, answer.text
    table, rows = ("things", 10) if "batch" in path else ("relationships", 1)
    assert platform.rows(f"select version from {table} where ns = %s", ns) == [(1,)] * rows


async def test_an_event_with_a_key_is_stored_when_it_is_sent_again(
    platform: Platform, neon: FaultProxy, clickhouse: FaultProxy, faulty: httpx.AsyncClient, ns: str
) -> None:
    """The key is remembered before the event is stored: when that fails, the same again still stores it, once."""
    event, key = {"type": ns}, {"idempotency-key": ns}
    clickhouse.faults.extend([cut_before] * 3)
    problem(await faulty.post("/events", json=event, headers=key), 503, "UNAVAILABLE")
    assert (await faulty.post("/events", json=event, headers=key)).status_code == 201
    clickhouse.usual = cut_before  # ClickHouse knows its last 1000 inserts alone, and is not asked again
    assert (await faulty.post("/events", json=event, headers=key)).status_code == 201
    problem(await faulty.post("/events", json={"type": "x"}, headers=key), 422, "IDEMPOTENCY_KEY_REUSED")
    counted = await platform.result(
        "DB", "clickhouse", "select count() as n from events where type = {t:String}", {"t": ns}
    )
    assert counted["data"] == [{"n": 1}]


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
