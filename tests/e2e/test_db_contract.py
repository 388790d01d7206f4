"""Every endpoint and method of db's contract, called once in earnest: the answer is what the contract says, to the field."""

from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from dotdo.contract import Endpoint, RpcMethod
from dotdo.contracts.db import CONTRACT
from tests.e2e.platform import Platform

EMBEDDING = [1.0] + [0.0] * 767
NEW: dict[str, Any] = {"ns": "{ns}", "id": "new", "type": "note", "data": {"a": 1}, "embedding": EMBEDDING}
EDGE: dict[str, Any] = {"type": "next", "from_ns": "{ns}", "from_id": "a", "to_ns": "{ns}", "to_id": "new"}
CAMEL_EDGE = {"type": "next", "fromNs": "{ns}", "fromId": "a", "toNs": "{ns}", "toId": "new"}

# Query and body of each endpoint, and the status it answers with.
REQUESTS: dict[str, tuple[str, Any, int]] = {
    "GET /": ("", None, 200),
    "GET /health": ("", None, 200),
    "GET /things": ("?ns={ns}&type=note&order_by=updated_at&order=asc&limit=1", None, 200),
    "POST /things": ("", NEW, 201),
    "POST /things/batch": ("", {"things": [NEW, {**NEW, "id": "a"}]}, 200),
    "GET /things/{ns}/{id}": ("", None, 200),
    "PUT /things/{ns}/{id}": ("", {"type": "page"}, 200),
    "PATCH /things/{ns}/{id}": ("", {"data": {"b": 2}}, 200),
    "DELETE /things/{ns}/{id}": ("", None, 200),
    "GET /things/{ns}/{id}/relationships": ("?direction=out&type=next&limit=1", None, 200),
    "GET /things/{ns}/{id}/graph": ("?depth=3&direction=both&limit=10", None, 200),
    "GET /relationships": ("?ns={ns}&type=next", None, 200),
    "POST /relationships": ("", EDGE, 201),
    "GET /relationships/{ns}/{id}": ("", None, 200),
    "DELETE /relationships/{ns}/{id}": ("", None, 200),
    "GET /search": ("?q=fox&ns={ns}&type=note&limit=5&offset=0&mode=text", None, 200),
    "POST /search": ("", {"query": "fox", "embedding": EMBEDDING, "ns": "{ns}", "mode": "hybrid", "alpha": 0.3}, 200),
    "GET /stats": ("", None, 200),
    "GET /types": ("?ns={ns}", None, 200),
    "GET /activity": ("?limit=5", None, 200),
    "POST /events": ("", {"type": "contract", "id": "{ns}", "data": {"a": [1]}}, 201),
    "POST /rpc": ("", {"method": "count", "params": ["{ns}"]}, 200),
}

CALLS: dict[str, list[Any]] = {
    "health": [], "get": ["{ns}", "a", {"includeEmbedding": True, "includeRelationships": True}],
    "list": ["{ns}", {"limit": 1, "count": "exact"}], "upsert": [NEW, {"idempotencyKey": "{ns}"}],
    "patch": ["{ns}", "a", {"content": "c"}, {"ifVersion": 1}], "delete": ["{ns}", "a"], "count": ["{ns}", {"type": "note"}],
    "batchUpsert": [[NEW]], "search": ["fox", EMBEDDING, {"ns": "{ns}"}], "vectorSearch": [EMBEDDING, {"ns": "{ns}"}],
    "getRelationships": ["{ns}", "a", {"limit": 1}], "getIncomingRelationships": ["{ns}", "b"],
    "upsertRelationship": [CAMEL_EDGE], "deleteRelationship": ["{ns}", "edge"], "listRelationships": ["{ns}", {"type": "next"}],
    "traverse": ["{ns}", "a", {"direction": "both"}], "query": ["select id from things where ns = $1", ["{ns}"]],
    "execute": ["update things set code = $2 where ns = $1", ["{ns}", "x"]],
    "first": ["select id from things where ns = $1 order by id", ["{ns}"]],
    "transaction": [[{"sql": "select $1::text as ns", "params": ["{ns}"]}], {"isolation": "serializable", "readOnly": True}],
    "clickhouse": ["select {ns:String} as ns", {"ns": "{ns}"}, {"maxResultRows": 5}],
    "ingest": ["service_health", [{"service": "{ns}", "status": "ok", "latency_ms": 1.5}], {"token": "{ns}"}], "stats": [],
    "typeDistribution": ["{ns}"], "clickhouseStats": [], "recentActivity": [5],
    "getEntitiesWithoutEmbeddings": [{"ns": "{ns}", "limit": 5}],
    "updateEmbeddings": [[{"ns": "{ns}", "id": "b", "embedding": EMBEDDING, "model": "m"}]],
}  # fmt: skip


def filled(value: Any, ns: str) -> Any:
    if isinstance(value, dict):
        return {name: filled(item, ns) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, ns) for item in value]
    return value.replace("{ns}", ns) if isinstance(value, str) else value


@pytest.fixture
async def filled_ns(platform: Platform, ns: str) -> str:
    """Two things with an edge between them, one with an embedding, and an event."""
    for id, more in (("a", {"embedding": EMBEDDING}), ("b", {})):
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": "note", "content": "a fox", **more})
    edge = {"ns": ns, "id": "edge", "type": "next", "fromNs": ns, "fromId": "a", "toNs": ns, "toId": "b"}
    await platform.result("DB", "upsertRelationship", edge)
    await platform.result("DB", "ingest", "events", [{"type": "contract", "id": ns}])
    return ns


def test_nothing_of_the_contract_is_left_out() -> None:
    assert set(REQUESTS) == {f"{endpoint.verb} {endpoint.path}" for endpoint in CONTRACT.endpoints}
    assert set(CALLS) == {method.name for method in CONTRACT.methods}


@pytest.mark.parametrize("endpoint", CONTRACT.endpoints, ids=lambda one: f"{one.verb} {one.path}")
async def test_an_endpoint(admin: httpx.AsyncClient, filled_ns: str, endpoint: Endpoint) -> None:
    query, body, status = REQUESTS[f"{endpoint.verb} {endpoint.path}"]
    id = "edge" if endpoint.path.startswith("/relationships") else "a"
    path = endpoint.path.replace("{id}", id) + query
    answer = await admin.request(endpoint.verb, f"/db{filled(path, filled_ns)}", json=filled(body, filled_ns))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    result = TypeAdapter(endpoint.result)
    assert result.dump_python(result.validate_python(answer.json(), by_alias=False, by_name=True)) == answer.json()
    assert answer.json(), "an answer with something in it"
    if isinstance(answer.json().get("data"), list):
        assert answer.json()["data"]


@pytest.mark.parametrize("caller", ["JavaScript", "Python"])
@pytest.mark.parametrize("method", CONTRACT.methods, ids=lambda one: one.name)
async def test_a_method(platform: Platform, filled_ns: str, method: RpcMethod, caller: str) -> None:
    call = platform.call if caller == "JavaScript" else platform.from_python
    answer = await call("DB", method.name, *filled(CALLS[method.name], filled_ns))
    assert "ok" in answer, answer
    result = TypeAdapter(method.result)
    told = result.validate_python(answer["ok"], by_alias=True, by_name=False)
    assert result.dump_python(told, by_alias=True) == answer["ok"]
    assert answer["ok"] not in ({}, [], None)
