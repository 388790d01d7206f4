"""Arguments of db's RPC methods that are wrong: each is named, and nothing is written."""

import json
from typing import Any

import pytest

from dotdo.contracts.db.methods import METHODS
from tests.e2e.platform import Platform
from tests.e2e.rpc_calls import NAN, how_many, refused

_WRONG: dict[str, list[list[Any]]] = {
    "health": [[1]],
    "get": [[], ["a"], ["", "b"], ["a", 5], ["a", "b\0"], ["a", "b" * 513], ["a", "b", {"includeembedding": True}],
            ["a", "b", {"includeEmbedding": 1}], ["a", "b", []]],
    "list": [[], ["a", {"limit": 0}], ["a", {"limit": 1001}], ["a", {"limit": "5"}], ["a", {"limit": 1.5}],
             ["a", {"limit": NAN}], ["a", {"orderBy": "type"}], ["a", {"order": "up"}], ["a", {"offset": -1}],
             ["a", {"visibility": "all"}], ["a", {"count": True}], ["a", {"next_cursor": "x"}]],
    "upsert": [[], ["a"], [{}], [{"ns": "{ns}", "id": "a"}], [{"ns": "{ns}", "id": "a", "type": "x", "version": 3}],
               [{"ns": "{ns}", "id": "a", "type": "x", "data": "text"}], [{"ns": "{ns}", "id": "a", "type": "x", "data": None}],
               [{"ns": "{ns}", "id": "a", "type": "x", "content": 5}],
               [{"ns": "{ns}", "id": "a", "type": "x", "content": "\0"}],
               [{"ns": "{ns}", "id": "a", "type": "x", "data": {"x": {"$js": "set"}}}],
               [{"ns": "{ns}", "id": "a", "type": "x", "embedding": [1]}],
               [{"ns": "{ns}", "id": "a", "type": "x", "embedding": "x"}],
               [{"ns": "{ns}", "id": "a", "type": "x"}, {"ifVersion": 0}],
               [{"ns": "{ns}", "id": "a", "type": "x"}, {"if_version": 1}],
               [{"ns": "{ns}", "id": "\ud800", "type": "x"}], [{"ns": "{ns}", "id": "a", "type": "x"}, {"idempotencyKey": ""}]],
    "patch": [["{ns}", "a"], ["{ns}", "a", {"ns": "b"}], ["{ns}", "a", {"data": [1]}], ["{ns}", "a", {"version": 1}],
              ["{ns}", "a", {"type": ""}], ["{ns}", "a", {"embedding": [1.0] * 769}]],
    "delete": [["{ns}"], ["{ns}", ""], ["{ns}", None], ["{ns}", "a", {}]],
    "count": [[], ["a", {"type": 1}], ["a", {"limit": 1}]],
    "batchUpsert": [[], [{}], [[1]], [[]]],
    "search": [[], [""], [" \t"], ["x" * 1001], ["a\0b"], ["x", [1.0] * 767], ["x", [0] * 768], ["x", [*[1] * 767, NAN]],
               ["x", None, {"threshold": 1.5}], ["x", None, {"limit": 101}], ["x", None, {"mode": "fuzzy"}],
               ["x", None, {"mode": "vector"}], ["", [1] * 768, {"mode": "text"}], ["x", None, {"alpha": 2}]],
    "vectorSearch": [[], [[1.0] * 769], ["x"], [[*[1.0] * 767, "1"]], [[*[1] * 767, {"$js": "infinity"}]], [[1e30] * 768]],
    "getRelationships": [["a"], ["a", "b", {"direction": "in"}], ["a", "b", {"cursor": "x"}]],
    "getIncomingRelationships": [["a"], ["a", "b", {"limit": 0}]],
    "upsertRelationship": [[], [{}], [{"type": "x", "fromNs": "{ns}", "fromId": "a", "toNs": "{ns}"}],
                           [{"type": "x", "from_ns": "{ns}", "from_id": "a", "to_ns": "{ns}", "to_id": "b"}],
                           [{"type": "x", "fromNs": "{ns}", "fromId": "a", "toNs": "{ns}", "toId": "b", "data": None}]],
    "deleteRelationship": [["{ns}"], ["{ns}", 1]],
    "listRelationships": [[], ["a", {"offset": 1}], ["a", {"visibility": "x"}]],
    "traverse": [["a"], ["a", "b", {"depth": 6}], ["a", "b", {"depth": 0}], ["a", "b", {"limit": 1001}],
                 ["a", "b", {"types": "x"}], ["a", "b", {"direction": "up"}]],
    "query": [[], [5], ["select 1", "x"], ["select 1", {"0": 1}], ["select 1", [], {"maxRows": 10_001}],
              ["select 1", [], {"timeoutMs": 25_001}], ["select 1", [], {"readonly": True}]],
    "execute": [[], ["select 1", [], {"maxRows": 5}], ["select 1", [], {"repeatable": 1}]],
    "first": [[], ["select 1", [], {"maxRows": 5}], ["select 1", [], {"timeoutMs": 0}]],
    "transaction": [[], [[]], [[{}]], [["select 1"]], [[{"sql": "select 1", "parameters": []}]], [[{"sql": "select 1"}] * 101],
                    [[{"sql": "select 1"}], {"isolation": "read uncommitted"}], [[{"sql": "select 1"}], {"timeoutMs": 0}]],
    "clickhouse": [[], [5], ["select 1", []], ["select 1", {}, {"readonly": 0}]],
    "ingest": [[], ["users", []], ["events", {}], ["events", [1]], ["events", [{"type": "t"}] * 10_001],
               ["events", [{"type": "t"}], {"token": ""}]],
    "stats": [["a"]],
    "typeDistribution": [[""], [5]],
    "clickhouseStats": [[1]],
    "recentActivity": [[0], ["abc"], [NAN], ["1; drop table events"]],
    "getEntitiesWithoutEmbeddings": [[{"model": "x"}], [{"limit": 0}]],
    "updateEmbeddings": [[], [[{"ns": "a", "id": "b", "embedding": [1.0] * 768}]], [[{"ns": "a"}] * 1001]],
}  # fmt: skip


def _in(ns: str, value: Any) -> Any:
    """The arguments with `{ns}` filled in."""
    if isinstance(value, dict):
        return {name: _in(ns, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_in(ns, item) for item in value]
    return value.replace("{ns}", ns) if isinstance(value, str) else value


@pytest.mark.parametrize("method", [method.name for method in METHODS])
async def test_wrong_arguments_are_named_and_nothing_is_written(platform: Platform, ns: str, method: str) -> None:
    for args in _WRONG[method]:
        await refused(platform, "INVALID_ARGUMENT", method, *_in(ns, args))
    assert how_many(platform, ns) == 0
    assert platform.rows("select count(*) from relationships where ns = %s", ns) == [(0,)]


@pytest.mark.parametrize("field", ["ns", "id", "type", "content"])
async def test_what_is_too_long_for_an_index_is_the_callers_mistake(platform: Platform, ns: str, field: str) -> None:
    """512 characters are taken, unless four bytes each and without repetition, which no index of PostgreSQL holds."""
    letters = "".join(chr(0x20000 + (n * 7919) % 0xA000) for n in range(512))
    words = " ".join(f"w{n}x{n * 7919}" for n in range(120_000))
    thing = {
        "ns": ns,
        "id": letters,
        "type": letters,
        **({"content": words} if field == "content" else {field: letters}),
    }
    await refused(platform, "INVALID_ARGUMENT", "upsert", thing)
    assert platform.rows("select count(*) from things where ns in (%s, %s)", ns, letters) == [(0,)]


@pytest.mark.parametrize("depth", [31, 32, 20_000])
async def test_depth_has_an_answer(platform: Platform, ns: str, depth: int) -> None:
    """As JSON text, the way Python peers send it: deep data is stored whole or refused, never a fault of the inside."""
    call = json.dumps({"method": "upsert", "params": [{"ns": ns, "id": "a", "type": "x", "data": {"x": 0}}]})
    text = call.replace('"x": 0', f'"x": {"[" * depth}{"]" * depth}')
    answer = await platform.result("DB", "callJson", text)
    if depth == 31:
        assert '"version":1' in answer
    else:
        assert '"code": "INVALID_ARGUMENT"' in answer
    assert how_many(platform, ns) == int(depth == 31)
