"""JSON that nests deep: up to the limit it comes back, beyond it is refused, and no Worker ends over it.

A parser that recurses too deep on the Workers runtime takes the whole isolate with it, so the Worker is asked again each time.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.platform import Platform, problem


def nested(levels: int) -> dict[str, Any]:
    """An object of this depth; lists and objects by turns."""
    value: Any = []
    for level in range(levels - 2):
        value = [value] if level % 2 else {"a": value}
    return {"a": value}


def body(ns: str, data: str) -> str:
    return f'{{"ns":"{ns}","id":"a","type":"x","data":{data}}}'


JSON = {"content-type": "application/json"}


async def test_the_deepest_that_is_taken_comes_back_everywhere(
    platform: Platform, admin: httpx.AsyncClient, ns: str
) -> None:
    data = nested(32)
    created = await admin.post("/db/things", json={"ns": ns, "id": "a", "type": "fox", "data": data})
    assert created.json()["data"] == data
    batch = await admin.post("/db/things/batch", json={"things": [{"ns": ns, "id": "b", "type": "x", "data": data}]})
    assert batch.json() == {"inserted": 1, "updated": 0}
    listed = (await admin.get("/db/things", params={"ns": ns})).json()["data"]
    assert [thing["data"] for thing in listed] == [data, data]
    assert (await admin.get("/db/search", params={"ns": ns, "q": "fox"})).json()["data"][0]["data"] == data
    select = {"sql": "select data from things where ns = $1 and id = 'a'", "params": [ns]}
    results = (await platform.result("DB", "transaction", [select]))["results"]
    assert results[0]["rows"] == [{"data": data}]
    edge = {"type": "x", "fromNs": ns, "fromId": "a", "toNs": ns, "toId": "b", "data": data}
    await platform.result("DB", "upsertRelationship", edge)
    assert (await platform.result("DB", "traverse", ns, "a"))["edges"][0]["data"] == data
    key = {"idempotencyKey": ns}
    for _ in range(2):
        once = await platform.result("DB", "upsert", {"ns": ns, "id": "c", "type": "x", "data": data}, key)
        assert (once["data"], once["version"]) == (data, 1)
    await platform.result("DB", "ingest", "events", [{"type": "deep", "id": ns, "data": nested(31)}])
    found = await platform.result("DB", "get", ns, "a", {"includeRelationships": True})
    assert (found["data"], found["relationships"][0]["data"]) == (data, data)


TEXTS: list[tuple[Callable[[], str], str]] = [
    (lambda: json.dumps(nested(33)), "INVALID_ARGUMENT"),
    (lambda: json.dumps(nested(60)), "INVALID_ARGUMENT"),
    (lambda: json.dumps(nested(64)), "MALFORMED_JSON"),
    (lambda: '{"a":' + "[" * 5_000 + "]" * 5_000 + "}", "MALFORMED_JSON"),
    (lambda: '{"a":' * 5_000 + "1" + "}" * 5_000, "MALFORMED_JSON"),
    (lambda: "[" * 1_000_000, "MALFORMED_JSON"),
    (lambda: '"' + "\\" * 1_000_001, "MALFORMED_JSON"),
    (lambda: '{"a":"' + "[" * 5_000 + '","b":' + "[" * 5_000, "MALFORMED_JSON"),
]


@pytest.mark.parametrize(("text", "code"), TEXTS)
async def test_over_http(
    platform: Platform, user: httpx.AsyncClient, ns: str, text: Callable[[], str], code: str
) -> None:
    problem(await user.post("/db/things", content=body(ns, text()), headers=JSON), 400, code)
    assert (await user.get("/db/things", params={"ns": ns})).json()["data"] == []


@pytest.mark.parametrize("path", ["/auth/cli/device", "/auth/oauth/token", "/auth/login", "/auth/webhooks/workos"])
async def test_who_says_nothing_of_himself_ends_nothing(anonymous: httpx.AsyncClient, path: str) -> None:
    answer = await anonymous.post(path, content="[" * 200_000, headers=JSON)
    assert 400 <= answer.status_code < 500
    assert (await anonymous.get("/health")).status_code == 200


@pytest.mark.parametrize("levels", [33, 49, 200, 900])
@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("upsert", lambda ns, data: [{"ns": ns, "id": "a", "type": "x", "data": data}]),
        ("batchUpsert", lambda ns, data: [[{"ns": ns, "id": "a", "type": "x", "data": data}]]),
        ("patch", lambda ns, data: [ns, "a", {"data": data}]),
        ("query", lambda ns, data: ["select $1::jsonb", [data]]),
        ("transaction", lambda ns, data: [[{"sql": "select $1::jsonb", "params": [data]}]]),
        ("ingest", lambda ns, data: ["events", [{"type": "x", "id": ns, "data": data}]]),
        ("clickhouse", lambda ns, data: ["select 1", data]),
        ("get", lambda ns, data: [data, "a"]),
    ],
)
async def test_over_rpc(platform: Platform, ns: str, levels: int, method: str, args: Any) -> None:
    answer = await platform.call("DB", method, *args(ns, nested(levels)))
    assert "INVALID_ARGUMENT" in answer["error"]["message"]
    assert await platform.result("DB", "count", ns) == 0


@pytest.mark.parametrize("type_", ["json", "jsonb"])
@pytest.mark.parametrize("levels", [35, 49, 1_000, 5_000, 6_000])
async def test_what_raw_sql_makes(platform: Platform, admin: httpx.AsyncClient, type_: str, levels: int) -> None:
    sql = f"select (repeat('[', {levels}) || repeat(']', {levels}))::{type_} as v"
    assert "RESULT_TOO_DEEP" in (await platform.call("DB", "query", sql))["error"]["message"]
    problem(await admin.post("/db/rpc", json={"method": "first", "params": [sql]}), 400, "RESULT_TOO_DEEP")
