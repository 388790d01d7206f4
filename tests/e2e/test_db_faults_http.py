"""Stores that fail, as HTTP callers of db see it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from dotdo.identity import Identity
from tests.e2e.fault_proxy import Fault, FaultProxy, cut_after, cut_before, cut_within, passed
from tests.e2e.platform import Platform, problem


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
