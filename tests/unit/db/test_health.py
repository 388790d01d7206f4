"""db.domain.health: whether the stores answer, asked at once and not for long."""

import json
from typing import Any

import pytest

from dotdo.ports import HttpError, HttpReply
from tests.unit.db.clickhouse_server import OK, TEXTS, settings_of
from tests.unit.db.conftest import answered

DOWN = HttpError("ECONNREFUSED")
POSTGRES_OK = HttpReply(200, {}, json.dumps({"results": [answered(), answered({"n": 1})]}).encode())


@pytest.mark.parametrize(
    ("postgres", "clickhouse", "said"),
    [
        (POSTGRES_OK, OK, ("ok", "ok", "ok")),
        (POSTGRES_OK, DOWN, ("degraded", "ok", "down")),
        (POSTGRES_OK, HttpReply(200, {}, b"<html>"), ("degraded", "ok", "down")),
        (POSTGRES_OK, None, ("ok", "ok", "not_configured")),
        (DOWN, OK, ("degraded", "down", "ok")),
        (DOWN, None, ("degraded", "down", "not_configured")),
        (HttpReply(200, {}, b"{}"), DOWN, ("degraded", "down", "down")),
    ],
)
async def test_the_service_is_well_when_every_store_it_has_is(
    endpoint: Any, postgres: HttpReply | HttpError, clickhouse: HttpReply | HttpError | None, said: tuple[str, ...]
) -> None:
    database = endpoint(postgres, *[clickhouse] * 3, **({} if clickhouse is None else TEXTS))
    health = await database.rpc("health")
    assert (health["status"], health["postgres"]["status"], health["clickhouse"]["status"]) == said
    assert health["service"] == "db"
    assert health["timestamp"].startswith("2026-09-21T14:13:20.")
    for store in ("postgres", "clickhouse"):
        assert (health[store].get("latencyMs") is not None) == (health[store]["status"] == "ok")


async def test_each_store_has_two_seconds_to_answer(endpoint: Any) -> None:
    database = endpoint(POSTGRES_OK, OK, **TEXTS)
    await database.rpc("health")
    postgres, clickhouse = database.http.calls
    assert (postgres.timeout_s, clickhouse.timeout_s) == (3, 3)
    assert json.loads(str(postgres.body))["queries"][0]["params"] == ["2000ms"]
    assert settings_of(clickhouse)["max_execution_time"] == "2"


async def test_a_database_that_is_down_is_asked_once(endpoint: Any) -> None:
    database = endpoint(DOWN, OK, **TEXTS)
    await database.rpc("health")
    assert len(database.http.calls) == 2
