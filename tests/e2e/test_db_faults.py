"""A database that is down, slow, cut off or lying: what callers are told, and what then stands in it."""

import asyncio
import json
from typing import Any

import httpx
import psycopg
import pytest

from tests.e2e.fault_proxy import Fault, FaultProxy, cut_after, cut_before, cut_within, held, passed, says
from tests.e2e.faulty_stores import BROKEN, THING, UNREADABLE, code, told, versions
from tests.e2e.platform import Platform


async def test_a_database_that_is_down_is_said_to_be(platform: Platform, ns: str) -> None:
    assert await told(platform, "get", ns, "a") == "UNAVAILABLE"
    assert await told(platform, "upsert", {"ns": ns, **THING}) == "UNAVAILABLE"
    health = (await platform.call("FAULTY_DB", "health"))["ok"]
    assert (health["status"], health["postgres"]["status"], health["clickhouse"]["status"]) == (
        "degraded",
        "down",
        "down",
    )


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
