"""A ClickHouse that is down, slow, cut off or lying: what callers are told, and what then stands in it."""

import pytest

from tests.e2e.fault_proxy import Fault, FaultProxy, cut_after, cut_before, cut_within, held, says
from tests.e2e.faulty_stores import BROKEN, THING, UNREADABLE, told
from tests.e2e.platform import Platform


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
    assert await told(platform, "clickhouse", "select 1") == "DATABASE_ERROR"


async def test_an_exception_behind_a_status_of_200_is_seen(platform: Platform, clickhouse: FaultProxy) -> None:
    body = b"Code: 241. DB::Exception: Memory limit exceeded: hunter2"
    clickhouse.faults.append(says("200 OK", body, extra="x-clickhouse-exception-code: 241\r\n"))
    assert await told(platform, "recentActivity") == "DATABASE_ERROR"


async def test_analytics_that_do_not_answer_are_a_timeout(platform: Platform, clickhouse: FaultProxy) -> None:
    clickhouse.faults.append(held)
    assert await told(platform, "clickhouse", "select 1", {}, {"maxExecutionTime": 1}) == "TIMEOUT"
