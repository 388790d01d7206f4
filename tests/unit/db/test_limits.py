"""The numbers of db's contract: what a call may ask for at most, and what it gets when it asks for nothing."""

import json
from typing import Any

import pytest

from dotdo.errors import ServiceError
from tests.unit.db.clickhouse_server import OK, TEXTS, settings_of
from tests.unit.db.test_access import ADMIN

VECTOR = [1.0] * 768


@pytest.mark.parametrize(
    ("method", "where", "option", "least", "most"),
    [
        ("list", ["n"], "limit", 1, 1000),
        ("list", ["n"], "offset", 0, 100_000),
        ("listRelationships", ["n"], "limit", 1, 1000),
        ("getRelationships", ["n", "i"], "limit", 1, 1000),
        ("getIncomingRelationships", ["n", "i"], "limit", 1, 1000),
        ("getEntitiesWithoutEmbeddings", [], "limit", 1, 1000),
        ("search", ["fox", None], "limit", 1, 100),
        ("search", ["fox", None], "offset", 0, 10_000),
        ("search", ["fox", VECTOR], "threshold", -1, 1),
        ("search", ["fox", VECTOR], "alpha", 0, 1),
        ("traverse", ["n", "i"], "depth", 1, 5),
        ("traverse", ["n", "i"], "limit", 1, 1000),
        ("query", ["select 1", []], "maxRows", 1, 10_000),
    ],
)
async def test_an_option_is_taken_within_its_limits_and_no_further(
    endpoint: Any, rows: Any, method: str, where: list[Any], option: str, least: int, most: int
) -> None:
    found = [rows({"nodes": [], "edges": []})] * 2 if method == "traverse" else [rows()] * 2
    database = endpoint(*found)
    for allowed in (least, most):
        await database.rpc(method, *where, {option: allowed})
    assert len(database.http.calls) == 2
    for wrong in (least - 1, most + 1):
        with pytest.raises(ServiceError) as refused:
            await database.rpc(method, *where, {option: wrong})
        assert (refused.value.code, option in refused.value.detail) == ("INVALID_ARGUMENT", True)
    assert len(database.http.calls) == 2


@pytest.mark.parametrize(
    ("method", "one", "most"),
    [
        ("batchUpsert", {"ns": "n", "type": "t"}, 1000),
        ("updateEmbeddings", {"ns": "n", "embedding": VECTOR, "model": "m"}, 1000),
        ("transaction", {"sql": "select 1"}, 100),
    ],
)
async def test_so_many_are_taken_at_once_and_not_one_more(
    endpoint: Any, rows: Any, method: str, one: dict[str, Any], most: int
) -> None:
    def many(count: int) -> list[dict[str, Any]]:
        return [one if method == "transaction" else {**one, "id": str(number)} for number in range(count)]

    database = endpoint({"results": [rows()] * (most + 1)} if method == "transaction" else rows())
    await database.rpc(method, many(most))
    assert len(database.http.calls) == 1
    with pytest.raises(ServiceError, match="INVALID_ARGUMENT"):
        await database.rpc(method, many(most + 1))
    assert len(database.http.calls) == 1


async def test_ten_thousand_rows_are_ingested_at_once_and_not_one_more(endpoint: Any) -> None:
    row = {"service": "db", "status": "ok"}
    database = endpoint(OK, **TEXTS)
    assert await database.rpc("ingest", "service_health", [row] * 10_000) == {"inserted": 10_000}
    with pytest.raises(ServiceError, match="INVALID_ARGUMENT"):
        await database.rpc("ingest", "service_health", [row] * 10_001)
    assert len(database.http.calls) == 1


@pytest.mark.parametrize(
    ("method", "where", "sent"),
    [
        ("list", ["n"], ["n", 100, 0]),
        ("listRelationships", ["n"], ["n", 100]),
        ("getRelationships", ["n", "i"], ["n", "i", 100]),
        ("getEntitiesWithoutEmbeddings", [], [100]),
        ("search", ["fox"], ["fox", 20, 0]),
        ("vectorSearch", [VECTOR], [json.dumps(VECTOR).replace(" ", ""), 20, 0, 0.5]),
        ("search", ["fox", VECTOR], ["fox", json.dumps(VECTOR).replace(" ", ""), 20, 0, 0.5, 100, 0.5]),
        ("traverse", ["n", "i"], ["n", "i", 2, 100]),
    ],
)
async def test_who_asks_for_nothing_gets_this_much(
    endpoint: Any, rows: Any, method: str, where: list[Any], sent: list[Any]
) -> None:
    database = endpoint(rows({"nodes": [], "edges": []}) if method == "traverse" else rows())
    await database.rpc(method, *where)
    assert [body["params"] for body in database.bodies] == [sent]


@pytest.mark.parametrize("path", ["/things?ns=n", "/relationships?ns=n", "/things/n/i/relationships", "/search?q=fox"])
async def test_a_page_over_http_has_twenty_rows_unless_told_otherwise(endpoint: Any, path: str) -> None:
    database = endpoint()
    assert (await database.send("GET", path, ADMIN)).status == 200
    assert 20 in database.bodies[0]["params"]


@pytest.mark.parametrize(
    ("method", "params", "settings"),
    [
        ("clickhouse", ["select 1"], {"max_execution_time": "10", "max_result_rows": "10000"}),
        ("clickhouse", ["select 1", {}, {"maxExecutionTime": 25, "maxResultRows": 100_000}],
         {"max_execution_time": "25", "max_result_rows": "100000"}),
        ("recentActivity", [], {"param_limit": "100", "max_execution_time": "10"}),
        ("recentActivity", [1000], {"param_limit": "1000"}),
    ],
)  # fmt: skip
async def test_a_read_of_the_analytics_has_such_limits_too(
    endpoint: Any, method: str, params: list[Any], settings: dict[str, str]
) -> None:
    database = endpoint(OK, **TEXTS)
    await database.rpc(method, *params)
    (call,) = database.http.calls
    assert settings_of(call) | settings == settings_of(call)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("clickhouse", ["select 1", {}, {"maxExecutionTime": 26}]),
        ("clickhouse", ["select 1", {}, {"maxExecutionTime": 0}]),
        ("clickhouse", ["select 1", {}, {"maxResultRows": 100_001}]),
        ("recentActivity", [1001]),
    ],
)
async def test_and_none_beyond_them(endpoint: Any, method: str, params: list[Any]) -> None:
    database = endpoint(OK, **TEXTS)
    with pytest.raises(ServiceError, match="INVALID_ARGUMENT"):
        await database.rpc(method, *params)
    assert database.http.calls == []


async def test_an_answer_has_ten_thousand_rows_at_most(endpoint: Any) -> None:
    def found(count: int) -> dict[str, Any]:
        return {"fields": [{"name": "n", "dataTypeID": 23}], "rows": [["7"]] * count, "rowCount": count}

    assert len((await endpoint(found(10_000)).rpc("query", "select n"))["rows"]) == 10_000
    with pytest.raises(ServiceError, match="more than 10000 rows"):
        await endpoint(found(10_001)).rpc("query", "select n")


async def test_a_hybrid_search_fuses_ranks_with_sixty(endpoint: Any) -> None:
    database = endpoint()
    await database.rpc("search", "fox", VECTOR)
    (body,) = database.bodies
    assert "/ (60 + by_words.rank)" in body["query"]
    assert "/ (60 + by_meaning.rank)" in body["query"]


@pytest.mark.parametrize(
    ("limit", "offset", "depth"),
    [(20, 80, 100), (20, 81, 1000), (100, 900, 1000), (100, 901, 10_100), (100, 10_000, 10_100)],
)
async def test_so_many_of_both_lists_are_fused_for_a_page(endpoint: Any, limit: int, offset: int, depth: int) -> None:
    database = endpoint()
    await database.rpc("search", "fox", VECTOR, {"limit": limit, "offset": offset})
    assert database.bodies[0]["params"][2:] == [limit, offset, 0.5, depth, 0.5]


@pytest.mark.parametrize(
    ("things", "edges", "estimated"), [(100_000, 7, False), (100_001, 7, True), (7, 100_001, True)]
)
async def test_beyond_a_hundred_thousand_rows_there_are_estimates(
    endpoint: Any, rows: Any, things: int, edges: int, estimated: bool
) -> None:
    exact = {"things": 1, "relationships": 2, "things_with_embeddings": 3}
    told = rows({"things": things, "relationships": edges})
    database = endpoint(told, *([rows(), rows(), rows({"n": 5})] if estimated else [rows(exact), rows(), rows()]))
    totals = (await database.rpc("stats"))["totals"]
    assert totals["estimated"] is estimated
    assert (totals["things"], totals["thingsWithEmbeddings"]) == ((things, 5) if estimated else (1, 3))
