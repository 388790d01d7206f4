"""update-analytics and check-rate-limits, over a db that answers as it is told."""

from typing import Any

import pytest

from dotdo.errors import not_configured
from dotdo.fakes import FakeBindings, FakePeer
from dotdo.log import Logger
from dotdo.sql import Sql
from schedule.domain.registry import Skipped, TaskContext
from schedule.tasks import check_rate_limits, update_analytics

STATS = {"totals": {"things": 3}}


def context(db: FakePeer, log: Logger | None = None, **texts: str) -> TaskContext:
    bindings = FakeBindings(texts, peers={"DB": db})
    now_s = bindings.clock.now_s()  # 2026-09-21T14:13:20Z
    return TaskContext(bindings, Sql(bindings), log or Logger("schedule"), now_s, now_s + 29)


def without_clickhouse(sql: str, params: dict[str, Any]) -> Any:
    raise not_configured("CLICKHOUSE_URL")


async def test_a_snapshot_is_of_the_last_full_hour() -> None:
    stored: list[list[Any]] = []
    hours: list[str] = []

    def clickhouse(sql: str, params: dict[str, Any]) -> dict[str, Any]:
        hours.append(params["hour"])
        if "events_hourly" in sql:
            return {"data": [{"type": "seen", "events": 4, "ids": 2}]}
        return {"data": [{"route": "/db", "requests": 7, "errors": 1, "users": 2, "quantiles": [1.5, 2.00049, 9]}]}

    def query(sql: str, params: list[Any], *options: Any) -> dict[str, Any]:
        stored.append(params)
        return {"rows": [], "rowCount": 1}

    result = await update_analytics.run(context(FakePeer(stats=lambda: STATS, clickhouse=clickhouse, query=query)))
    assert result == {"taken_at": "2026-09-21T14:00:00.000Z", "things": 3, "requests": 7, "events": 4, "deleted": 1}
    assert hours == ["2026-09-21 13:00:00"] * 2 + ["2026-09-21 12:00:00"] * 2
    (taken_at, data), (before, completed), (oldest, _) = stored
    assert oldest == "2025-08-17T14:13:20.000Z", "400 days"
    assert (before, set(completed)) == ("2026-09-21T13:00:00.000Z", {"requests", "events"}), (
        "its stats stay as they were"
    )
    assert taken_at == "2026-09-21T14:00:00.000Z"
    assert data["hour"] == "2026-09-21T13:00:00.000Z"
    assert data["stats"] == STATS
    assert data["requests"] == [
        {"route": "/db", "requests": 7, "errors": 1, "users": 2, "p50_ms": 1.5, "p95_ms": 2.0, "p99_ms": 9}
    ]
    assert data["events"] == [{"type": "seen", "events": 4, "ids": 2}]


async def test_a_snapshot_without_clickhouse_has_the_database_alone() -> None:
    db = FakePeer(stats=lambda: STATS, clickhouse=without_clickhouse, query=lambda *_: {"rows": [], "rowCount": 1})
    result = await update_analytics.run(context(db))
    assert (result["things"], result["requests"], result["events"]) == (3, None, None)


def requests(**counts: int) -> FakePeer:
    """A db where these keys made so many requests in the last hour; `own` has a limit of 2 a minute."""
    return FakePeer(
        clickhouse=lambda sql, params: {"data": [{"key_id": key, "requests": n} for key, n in counts.items()]},
        query=lambda sql, params, *options: {
            "rows": [{"id": "own", "rate_limit": 2}, {"id": "other", "rate_limit": None}]
        },
    )


async def test_keys_above_nine_tenths_are_listed_fullest_first_and_logged(logged: Any) -> None:
    db = requests(other=3241, own=110, deleted=3240, idle=100)
    result = await check_rate_limits.run(context(db, logged.log))
    assert result == {
        "near": 2,
        "keys": [
            {"key_id": "own", "requests": 110, "allowance": 120, "share": 0.917},
            {"key_id": "other", "requests": 3241, "allowance": 3600, "share": 0.9},
        ],
    }
    lines = [(line["level"], line["key_id"], line["requests"]) for line in logged.of("rate_limit.near")]
    assert lines == [("warn", "own", 110), ("warn", "other", 3241)]


async def test_keys_of_the_last_hour_are_asked_for_that_could_be_near_their_allowance() -> None:
    """One of a request a minute is, from 55 an hour on."""
    db = requests()
    await check_rate_limits.run(context(db))
    ((_, (sql, asked)),) = db.calls
    assert asked == {
        "since": "2026-09-21 13:13:20.000", "until": "2026-09-21 14:13:20.000", "fewest": 54, "keys": 10_000,
    }  # fmt: skip
    assert "having requests > {fewest:UInt64}" in str(sql)


async def test_a_hundred_keys_are_listed_and_all_are_logged(logged: Any) -> None:
    db = requests(**{f"key-{number:03}": 3600 for number in range(101)})
    result = await check_rate_limits.run(context(db, logged.log))
    assert (result["near"], len(result["keys"])) == (101, 100)
    assert [row["key_id"] for row in result["keys"]] == [f"key-{number:03}" for number in range(100)]
    assert len(logged.of("rate_limit.near")) == 101


async def test_the_allowance_is_what_this_deployment_grants() -> None:
    result = await check_rate_limits.run(context(requests(other=3241), RATE_LIMITS="default=600"))
    assert result == {"near": 0, "keys": []}


async def test_no_requests_need_no_look_at_the_keys() -> None:
    db = requests()
    assert await check_rate_limits.run(context(db)) == {"near": 0, "keys": []}
    assert [method for method, _ in db.calls] == ["clickhouse"]


async def test_without_clickhouse_nothing_is_counted() -> None:
    with pytest.raises(Skipped, match="ClickHouse"):
        await check_rate_limits.run(context(FakePeer(clickhouse=without_clickhouse)))
