"""The same methods from a Python Worker, one JSON text each way: results and errors as a JavaScript caller's."""

import json
from typing import Any

import pytest

from tests.e2e.platform import Platform

HOSTILE = "x'; drop table things; --\" \\ $1 \n ü 🦊"
EMBEDDING = [1.0] + [0.0] * 767


def thing(ns: str, id: str = "a", **more: Any) -> dict[str, Any]:
    return {"ns": ns, "id": id, "type": "x", **more}


async def ok(platform: Platform, method: str, *params: object) -> Any:
    answer = await platform.from_python("DB", method, *params)
    assert "ok" in answer, answer
    return answer["ok"]


async def test_a_peer_reads_what_javascript_wrote_and_the_other_way(platform: Platform, ns: str) -> None:
    written = await platform.result("DB", "upsert", thing(ns, HOSTILE, data={HOSTILE: [None, 1.5]}))
    assert await ok(platform, "get", ns, HOSTILE) == written
    patched = await ok(platform, "patch", ns, HOSTILE, {"content": HOSTILE}, {"ifVersion": 1})
    assert patched == await platform.result("DB", "get", ns, HOSTILE)
    assert await ok(platform, "get", ns, "absent") is None
    assert platform.rows("select id, content, version from things where ns = %s", ns) == [(HOSTILE, HOSTILE, 2)]


async def test_numbers_stay_exact_for_python(platform: Platform, ns: str) -> None:
    exact = {"big": 2**63 - 1, "huge": 10**30, "real": 0.1, "whole": 1}
    assert (await ok(platform, "upsert", thing(ns, data=exact)))["data"] == exact
    assert (await ok(platform, "get", ns, "a"))["data"] == exact
    rows = await ok(platform, "query", "select $1::numeric as huge", [10**30])
    assert rows["rows"] == [{"huge": str(10**30)}]


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("list", ["{ns}", {"orderBy": "id", "count": "exact"}]), ("count", ["{ns}"]), ("stats", []),
        ("typeDistribution", ["{ns}"]), ("clickhouseStats", []),
        ("search", ["fox", None, {"ns": "{ns}"}]), ("vectorSearch", [EMBEDDING, {"ns": "{ns}"}]),
        ("search", ["fox", EMBEDDING, {"ns": "{ns}"}]),
        ("get", ["{ns}", "a", {"includeEmbedding": True, "includeRelationships": True}]),
        ("getRelationships", ["{ns}", "a"]), ("getIncomingRelationships", ["{ns}", "b"]), ("listRelationships", ["{ns}"]),
        ("traverse", ["{ns}", "a", {"depth": 3}]), ("getEntitiesWithoutEmbeddings", [{"ns": "{ns}"}]), ("recentActivity", [5]),
        ("query", ["select id, data, embedding, created_at from things where ns = $1 order by id", ["{ns}"]]),
        ("first", ["select 1 as n"]),
        ("transaction", [[{"sql": "select $1::text as x", "params": [HOSTILE]}], {"readOnly": True}]),
    ],
)  # fmt: skip
async def test_both_callers_get_the_same(platform: Platform, ns: str, method: str, args: list[Any]) -> None:
    for id in "ab":
        await platform.result(
            "DB", "upsert", thing(ns, id, content="a fox", embedding=EMBEDDING if id == "a" else None)
        )
    await platform.result(
        "DB", "upsertRelationship", {"type": "t", "fromNs": ns, "fromId": "a", "toNs": ns, "toId": "b"}
    )
    filled = json.loads(json.dumps(args).replace("{ns}", json.dumps(ns)[1:-1]))
    assert await ok(platform, method, *filled) == await platform.result("DB", method, *filled)


async def test_a_peer_writes_batches_edges_events_and_sql(platform: Platform, ns: str) -> None:
    batch = [thing(ns, str(n), data={"n": n}) for n in range(1000)]
    assert await ok(platform, "batchUpsert", batch) == {"inserted": 1000, "updated": 0}
    assert await ok(platform, "execute", "delete from things where ns = $1 and id <> $2", [ns, "7"]) == {
        "rowCount": 999
    }
    edge = await ok(platform, "upsertRelationship", {"type": "t", "fromNs": ns, "fromId": "7", "toNs": ns, "toId": "8"})
    assert (await ok(platform, "deleteRelationship", ns, edge["id"]))["toId"] == "8"
    assert await ok(platform, "updateEmbeddings", [{"ns": ns, "id": "7", "embedding": EMBEDDING, "model": "m"}]) == {
        "updated": 1
    }
    assert await ok(platform, "ingest", "events", [{"type": ns, "data": {"text": HOSTILE}}]) == {"inserted": 1}
    read = await ok(platform, "clickhouse", "select data from events where type = {type:String}", {"type": ns})
    assert read["data"] == [{"data": {"text": HOSTILE}}]
    assert platform.rows("select id, embedding is null from things where ns = %s", ns) == [("7", False)]
    assert (await ok(platform, "delete", ns, "7"))["id"] == "7"


async def test_a_peer_asks_for_health(platform: Platform) -> None:
    health = await ok(platform, "health")
    assert (health["status"], health["postgres"]["status"], health["clickhouse"]["status"]) == ("ok", "ok", "ok")


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("get", ["", "b"], ("INVALID_ARGUMENT", 400, False)),
        ("upsert", [{"ns": "{ns}", "id": "a", "type": "x", "embedding": [1.0] * 10}], ("INVALID_ARGUMENT", 400, False)),
        ("upsert", [{"ns": "{ns}", "id": "a", "type": "x", "data": {"x": float("nan")}}], ("INVALID_ARGUMENT", 400, False)),
        ("upsert", [{"ns": "{ns}", "id": "a", "type": "x"}, {"ifVersion": 1}], ("VERSION_MISMATCH", 412, False)),
        ("no_such_method", [], ("NOT_FOUND", 404, False)),
        ("__class__", [], ("NOT_FOUND", 404, False)),
        ("query", ["select 1; select 2"], ("INVALID_SQL", 400, False)),
        ("query", ["insert into things (ns, id, type) values ('{ns}', 'a', 'x')", [], {"readOnly": True}],
         ("READ_ONLY", 400, False)),
        ("query", ["select pg_sleep(9)", [], {"timeoutMs": 1}], ("TIMEOUT", 504, True)),
        ("query", ["select generate_series(1, 10001)"], ("RESULT_TOO_LARGE", 400, False)),
        ("execute", ["insert into things (ns, id, type) values ('demo', 'welcome', 'x')"], ("CONFLICT", 409, False)),
        ("transaction", [[{"sql": "insert into things (ns, id, type) values ('{ns}', 'a', 'x')"}, {"sql": "select 1/0"}]],
         ("INVALID_ARGUMENT", 400, False)),
        ("clickhouse", ["drop table events"], ("READ_ONLY", 400, False)),
        ("ingest", ["events", [{"type": "{ns}"}, {}]], ("INVALID_ARGUMENT", 400, False)),
    ],
)  # fmt: skip
async def test_errors_arrive_whole(
    platform: Platform, ns: str, method: str, args: list[Any], error: tuple[str, int, bool]
) -> None:
    filled = json.loads(json.dumps(args).replace("{ns}", ns.replace("\\", "_").replace('"', "_")))
    told = (await platform.from_python("DB", method, *filled))["error"]
    assert (told["code"], told["status"], told["retryable"]) == error
    assert told["detail"]
    assert platform.rows("select count(*) from things where ns = %s", ns) == [(0,)]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"method": 5, "params": []}', '{"method": "get"}', '{"method": "get", "params": {}}',
             '{"method": "get", "params": [], "trace": "x"}', "[" * 100_000],
    ids=range(9),
)  # fmt: skip
async def test_a_text_that_is_no_call_is_answered(platform: Platform, text: str) -> None:
    answer = json.loads(await platform.result("DB", "callJson", text))
    assert (answer["error"]["code"], answer["error"]["status"]) == ("INVALID_ARGUMENT", 400)
