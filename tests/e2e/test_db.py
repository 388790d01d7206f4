"""The data layer through both of its surfaces: search, graph, transactions, conditions, idempotency, analytics."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.e2e.platform import Platform, problem


def along(*parts: float) -> list[float]:
    """An embedding with these first components."""
    return [*parts, *[0.0] * (768 - len(parts))]


@pytest.fixture
async def documents(platform: Platform, ns: str) -> str:
    """Three things of the test's own: two that mention a fox, two that point the same way."""
    rows: list[tuple[str, str, str, list[float], dict[str, Any]]] = [
        ("0", "note", "the quick brown fox", along(1.0), {}),
        ("1", "note", "lazy dogs sleep", along(0.9, 0.1), {"animal": "zebra"}),
        ("2", "page", "fox hunting is banned", along(0.0, 1.0), {}),
    ]
    for id, type_, content, embedding, data in rows:
        thing = {"ns": ns, "id": id, "type": type_, "content": content, "embedding": embedding, "data": data}
        await platform.result("DB", "upsert", thing)
    return ns


def ids(found: dict[str, Any]) -> list[str]:
    return [thing["id"] for thing in found["data"]]


@pytest.mark.parametrize(
    ("query", "options", "expected"),
    [
        ("fox", {}, {"0", "2"}),
        ("foxes", {}, {"0", "2"}),
        ("fox -hunting", {}, {"0"}),
        ("zebra", {}, {"1"}),
        ("page", {}, {"2"}),
        ("fox", {"type": "page"}, {"2"}),
        ("'; drop table things; --", {}, set()),
        ("fox & | !", {}, {"0", "2"}),
    ],
)
async def test_search_by_words(
    platform: Platform, documents: str, query: str, options: dict[str, Any], expected: set[str]
) -> None:
    found = await platform.result("DB", "search", query, None, {"ns": documents, **options})
    assert set(ids(found)) == expected


async def test_search_by_meaning_and_by_both(platform: Platform, documents: str) -> None:
    near = await platform.result("DB", "vectorSearch", along(1.0), {"ns": documents})
    assert ids(near) == ["0", "1"], "the threshold is 0.5"
    everything = await platform.result("DB", "vectorSearch", along(1.0), {"ns": documents, "threshold": 0})
    assert ids(everything) == ["0", "1", "2"]
    both = await platform.result("DB", "search", "fox", along(1.0), {"ns": documents})
    assert ids(both)[0] == "0"
    assert set(ids(both)) == {"0", "1", "2"}


@pytest.mark.parametrize("embedding", [[1.0], [1.0] * 769, ["x"] * 768, [0.0] * 768, "[]"])
async def test_a_wrong_vector_is_refused_and_nothing_is_written(platform: Platform, ns: str, embedding: Any) -> None:
    answer = await platform.call("DB", "upsert", {"ns": ns, "id": "bad", "type": "x", "embedding": embedding})
    assert "INVALID_ARGUMENT: thing.embedding" in answer["error"]["message"]
    assert platform.rows("select count(*) from things where ns = %s", ns) == [(0,)]


async def test_edges_and_what_they_reach(platform: Platform, ns: str) -> None:
    for start, end in (("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")):
        edge = {"type": "next", "fromNs": ns, "fromId": start, "toNs": ns, "toId": end}
        first = await platform.result("DB", "upsertRelationship", edge)
        again = await platform.result("DB", "upsertRelationship", edge)
        assert (again["id"], again["version"]) == (first["id"], 2), "the same edge twice is one edge"
    outgoing = await platform.result("DB", "getRelationships", ns, "c", {"limit": 1})
    assert len(outgoing["outgoing"]) == 1
    rest = await platform.result("DB", "getRelationships", ns, "c", {"cursor": outgoing["page"]["nextCursor"]})
    assert {edge["toId"] for edge in outgoing["outgoing"] + rest["outgoing"]} == {"a", "d"}
    incoming = await platform.result("DB", "getIncomingRelationships", ns, "a")
    assert [edge["fromId"] for edge in incoming["incoming"]] == ["c"]

    graph = await platform.result("DB", "traverse", ns, "a", {"depth": 5})
    assert [(node["id"], node["depth"]) for node in graph["nodes"]] == [("a", 0), ("b", 1), ("c", 2), ("d", 3)]
    assert len(graph["edges"]) == 4
    back = await platform.result("DB", "traverse", ns, "a", {"depth": 1, "direction": "in"})
    assert [node["id"] for node in back["nodes"]] == ["a", "c"]

    for id in "abcd":
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": "x"})
    await platform.result("DB", "delete", ns, "c")
    assert platform.rows("select count(*) from relationships where ns = %s", ns) == [(1,)], "its edges went with it"


async def test_a_transaction_holds_or_falls_as_one(platform: Platform, ns: str) -> None:
    insert = "insert into things (ns, id, type) values ($1, $2, 'x')"
    done = await platform.result("DB", "transaction", [{"sql": insert, "params": [ns, n]} for n in "abc"])
    assert done["success"] is True
    failed = await platform.call(
        "DB",
        "transaction",
        [{"sql": insert, "params": [ns, "d"]}, {"sql": "select 1"}, {"sql": insert, "params": [ns, "a"]}],
    )
    assert "CONFLICT: statement 2: " in failed["error"]["message"]
    read_only = await platform.call("DB", "transaction", [{"sql": insert, "params": [ns, "e"]}], {"readOnly": True})
    assert "READ_ONLY: statement 0: " in read_only["error"]["message"]
    assert platform.rows("select id from things where ns = %s order by id", ns) == [("a",), ("b",), ("c",)]


async def test_a_batch_is_written_whole_or_not_at_all(platform: Platform, ns: str) -> None:
    batch = [{"ns": ns, "id": str(n), "type": "x", "data": {"n": n}} for n in range(1000)]
    assert await platform.result("DB", "batchUpsert", batch) == {"inserted": 1000, "updated": 0}
    assert await platform.result("DB", "batchUpsert", batch[:2]) == {"inserted": 0, "updated": 2}
    for bad in ([*batch, batch[0]], [*batch[:3], {"ns": ns, "id": "new"}], [{**batch[0], "id": "new"}] * 2):
        answer = await platform.call("DB", "batchUpsert", bad)
        assert "INVALID_ARGUMENT" in answer["error"]["message"]
    assert await platform.result("DB", "count", ns) == 1000


async def test_a_key_makes_a_write_happen_once(platform: Platform, user: httpx.AsyncClient, ns: str) -> None:
    address, key = f"/db/things/{ns}/one", {"idempotency-key": f"key-{ns}"}
    answers = await asyncio.gather(*(user.put(address, json={"type": "x"}, headers=key) for _ in range(4)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert platform.rows("select version from things where ns = %s", ns) == [(1,)]
    problem(await user.put(address, json={"type": "y"}, headers=key), 422, "IDEMPOTENCY_KEY_REUSED")
    event = {"type": "test.once", "id": ns}
    for _ in range(3):
        assert (
            await user.post("/db/events", json=event, headers={"idempotency-key": f"event-{ns}"})
        ).status_code == 201
    counted = await platform.result(
        "DB", "clickhouse", "select count() as n from events where id = {id:String}", {"id": ns}
    )
    assert counted["data"] == [{"n": 1}]


async def test_conditions_and_merge_patches(user: httpx.AsyncClient, ns: str) -> None:
    address = f"/db/things/{ns}/one"
    created = await user.put(address, json={"type": "x", "content": "c", "data": {"a": 1, "b": {"c": 2, "d": 3}}})
    assert created.headers["etag"] == '"1"'
    changed = await user.patch(
        address, json={"data": {"a": None, "b": {"c": None, "e": [1]}}, "content": None}, headers={"if-match": '"1"'}
    )
    assert changed.json()["data"] == {"b": {"d": 3, "e": [1]}}
    assert (changed.json()["content"], changed.headers["etag"]) == (None, '"2"')
    problem(await user.put(address, json={"type": "y"}, headers={"if-match": '"1"'}), 412, "VERSION_MISMATCH")
    problem(await user.patch(address, json={"type": "y"}, headers={"if-match": '"1"'}), 412, "VERSION_MISMATCH")
    problem(await user.patch(address, json={}, headers={"if-match": "nonsense"}), 400, "INVALID_ARGUMENT")
    assert (await user.get(address, headers={"if-none-match": '"2"'})).status_code == 304
    assert (await user.get(address, headers={"if-none-match": '"1"'})).json()["type"] == "x"


async def test_rpc_over_http_reads_and_writes_nothing_by_sql(admin: httpx.AsyncClient, user: httpx.AsyncClient) -> None:
    async def rpc(method: str, *params: object) -> httpx.Response:
        return await admin.post("/db/rpc", json={"method": method, "params": list(params)})

    assert (await rpc("query", "select 1 as n")).json()["result"]["rows"] == [{"n": 1}]
    assert (await rpc("first", "select 2 as n")).json() == {"result": {"n": 2}}
    problem(await rpc("query", "delete from things", [], {"readOnly": False}), 400, "READ_ONLY")
    problem(await rpc("query", "select 1; select 2"), 400, "INVALID_SQL")
    for method in ("transaction", "execute"):
        problem(await rpc(method, "select 1"), 403, "FORBIDDEN_METHOD")
    problem(await rpc("__class__"), 404, "NOT_FOUND")
    problem(await user.post("/db/rpc", json={"method": "stats", "params": []}), 403, "FORBIDDEN")


async def test_analytics_are_read_only_and_typed(platform: Platform) -> None:
    read = await platform.result(
        "DB", "clickhouse", "select {x:UInt32} as x, {a:Array(String)} as a", {"x": 5, "a": ["it's"]}
    )
    assert read["data"] == [{"x": 5, "a": ["it's"]}]
    for sql, code in (
        ("insert into events (ulid) values ('x')", "READ_ONLY"),
        ("drop table events", "READ_ONLY"),
        ("select 1; select 2", "INVALID_SQL"),
        ("select nope", "INVALID_SQL"),
        ("select number from numbers(200000)", "RESULT_TOO_LARGE"),
    ):
        answer = await platform.call("DB", "clickhouse", sql)
        assert code in answer["error"]["message"], (sql, answer)


async def test_requests_are_rolled_up_and_a_repeated_insert_counts_once(platform: Platform, ns: str) -> None:
    row = {"request_id": "r", "route": ns, "method": "GET", "status": 500, "duration_ms": 2.5, "user_id": "u"}
    for _ in range(2):
        assert await platform.result("DB", "ingest", "api_requests", [row], {"token": ns}) == {"inserted": 1}
    for table in ("api_requests_hourly", "api_requests_daily"):
        sql = f"""
        select countMerge(requests) as n, countIfMerge(errors) as errors, uniqMerge(users) as users,
               quantilesTDigestMerge(0.5, 0.95, 0.99)(durations)[1] as p50
        from {table} where route = {{route:String}}
        """
        read = await platform.result("DB", "clickhouse", sql, {"route": ns})
        assert read["data"] == [{"n": 1, "errors": 1, "users": 1, "p50": 2.5}]


async def test_embeddings_are_found_missing_and_stored(platform: Platform, ns: str) -> None:
    await platform.result(
        "DB", "batchUpsert", [{"ns": ns, "id": id, "type": type_} for id, type_ in (("a", "x"), ("b", "log"))]
    )
    missing = await platform.result("DB", "getEntitiesWithoutEmbeddings", {"ns": ns})
    assert [row["id"] for row in missing] == ["a"]
    stored = [{"ns": ns, "id": "a", "embedding": along(1.0), "model": "test"}]
    assert await platform.result("DB", "updateEmbeddings", stored) == {"updated": 1}
    thing = await platform.result("DB", "get", ns, "a", {"includeEmbedding": True})
    assert thing["embedding"] == along(1.0)
    assert (await platform.result("DB", "get", ns, "a"))["embedding"] is None


async def test_totals_are_given_when_asked_for(platform: Platform, ns: str) -> None:
    await platform.result("DB", "batchUpsert", [{"ns": ns, "id": str(n), "type": "x"} for n in range(5)])
    page = await platform.result("DB", "list", ns, {"limit": 2, "count": "exact", "orderBy": "id", "order": "asc"})
    assert ([thing["id"] for thing in page["data"]], page["pagination"]["total"]) == (["0", "1"], 5)
    assert isinstance((await platform.result("DB", "list", ns, {"count": "estimated"}))["pagination"]["total"], int)
    assert await platform.result("DB", "typeDistribution", ns) == [{"type": "x", "count": 5}]
    assert (await platform.result("DB", "stats"))["totals"]["estimated"] is False
