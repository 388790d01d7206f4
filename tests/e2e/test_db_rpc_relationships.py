"""Relationships by RPC from JavaScript: edges, their pages, and walks along them."""

from typing import Any

import pytest

from dotdo.instants import utc_text
from tests.e2e.platform import Platform
from tests.e2e.rpc_calls import HOSTILE, refused


async def edge(platform: Platform, home: str, start: str, finish: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = await platform.result(
        "DB", "upsertRelationship",
        {"type": "knows", "fromNs": home, "fromId": start, "toNs": home, "toId": finish, **more},
    )  # fmt: skip
    return made


async def test_an_edge_is_what_psycopg_reads(platform: Platform, ns: str) -> None:
    made = await edge(platform, ns, HOSTILE, "b", type=HOSTILE, data={HOSTILE: 1}, code=HOSTILE, visibility="private")
    (row,) = platform.rows(
        "select ns, id, type, from_ns, from_id, to_ns, to_id, data, code, visibility, version, created_at, updated_at "
        "from relationships where ns = %s", ns,
    )  # fmt: skip
    assert list(made.values()) == [*row[:-2], utc_text(row[-2]), utc_text(row[-1])]
    again = await edge(platform, ns, HOSTILE, "b", type=HOSTILE, data={})
    assert (again["id"], again["version"], again["createdAt"]) == (made["id"], 2, made["createdAt"])
    other = await edge(platform, ns, HOSTILE, "b", type=HOSTILE, id="my own", ns=f"{ns}2")
    assert (other["ns"], other["id"]) == (f"{ns}2", "my own")
    assert await platform.result("DB", "deleteRelationship", ns, made["id"]) == again
    assert await platform.result("DB", "deleteRelationship", ns, made["id"]) is None
    assert platform.rows("select count(*) from relationships where ns = %s", ns) == [(0,)]


async def test_edges_of_a_thing_and_of_a_namespace_come_in_pages(platform: Platform, ns: str) -> None:
    for n in range(6):
        await edge(platform, ns, "a", str(n), type="even" if n % 2 == 0 else "odd")
        await edge(platform, ns, str(n), "a", visibility="private")
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x"})
    platform.rows("update relationships set created_at = '2026-01-01' where ns = %s returning 1", ns)

    async def pages(method: str, rows: str, page: str, *args: Any, **options: Any) -> set[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        cursor = None
        for _ in range(12):
            answer = await platform.result("DB", method, *args, {**options, "limit": 2, "cursor": cursor})
            seen += [(row["fromId"], row["toId"]) for row in answer[rows]]
            cursor = answer[page]["nextCursor"]
            if cursor is None:
                break
        assert len(set(seen)) == len(seen)
        return set(seen)

    out, back = {("a", str(n)) for n in range(6)}, {(str(n), "a") for n in range(6)}
    assert await pages("getRelationships", "outgoing", "page", ns, "a") == out
    assert await pages("getRelationships", "outgoing", "page", ns, "a", type="even") == {("a", n) for n in "024"}
    assert await pages("getIncomingRelationships", "incoming", "page", ns, "a") == back
    assert await pages("listRelationships", "data", "pagination", ns) == out | back
    assert await pages("listRelationships", "data", "pagination", ns, visibility="private") == back
    assert await pages("listRelationships", "data", "pagination", ns, type="odd") == {("a", n) for n in "135"}
    thing = await platform.result("DB", "get", ns, "a", {"includeRelationships": True})
    assert {(row["fromId"], row["toId"]) for row in thing["relationships"]} == out

    cursor = (await platform.result("DB", "getRelationships", ns, "a", {"limit": 2}))["page"]["nextCursor"]
    for method, args in (
        ("getIncomingRelationships", [ns, "a"]),
        ("getRelationships", [ns, "0"]),
        ("listRelationships", [ns]),
    ):
        await refused(platform, "INVALID_ARGUMENT", method, *args, {"limit": 2, "cursor": cursor})


async def test_deleting_a_thing_takes_its_edges_and_deleting_nothing_takes_none(platform: Platform, ns: str) -> None:
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x"})
    for start, finish in ("ab", "ba", "aa", "bc"):
        await edge(platform, ns, start, finish)
    assert await platform.result("DB", "delete", ns, "c") is None
    assert platform.rows("select count(*) from relationships where ns = %s", ns) == [(4,)]
    assert (await platform.result("DB", "delete", ns, "a"))["id"] == "a"
    assert platform.rows("select from_id, to_id from relationships where ns = %s", ns) == [("b", "c")]


@pytest.fixture
async def graph(platform: Platform, ns: str) -> str:
    """a → b → c → a is a cycle, c → d → e → f → g a tail, x → a of another type, and d an edge to itself."""
    for start, finish in ("ab", "bc", "ca", "cd", "de", "ef", "fg", "dd"):
        await edge(platform, ns, start, finish)
    await edge(platform, ns, "x", "a", type="likes")
    return ns


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "a0 b1 c2"),
        ({"depth": 1}, "a0 b1"),
        ({"depth": 5}, "a0 b1 c2 d3 e4 f5"),
        ({"depth": 5, "limit": 3}, "a0 b1 c2"),
        ({"depth": 5, "limit": 1}, "a0"),
        ({"direction": "in", "depth": 1}, "a0 c1 x1"),
        ({"direction": "in", "depth": 5}, "a0 c1 x1 b2"),
        ({"direction": "both", "depth": 1}, "a0 b1 c1 x1"),
        ({"direction": "both", "depth": 2}, "a0 b1 c1 x1 d2"),
        ({"direction": "both", "depth": 2, "types": ["likes"]}, "a0 x1"),
        ({"depth": 2, "types": ["likes", "knows"]}, "a0 b1 c2"),
        ({"types": []}, "a0"),
        ({"types": [HOSTILE]}, "a0"),
    ],
)
async def test_a_walk_ends(platform: Platform, graph: str, options: dict[str, Any], expected: str) -> None:
    found = await platform.result("DB", "traverse", graph, "a", options)
    assert " ".join(f"{node['id']}{node['depth']}" for node in found["nodes"]) == expected
    reached = {node["id"] for node in found["nodes"]}
    types = options.get("types", ["knows", "likes"])
    between = platform.rows(
        "select id from relationships where ns = %s and from_id = any(%s) and to_id = any(%s) and type = any(%s)",
        graph, list(reached), list(reached), types,
    )  # fmt: skip
    assert {row["id"] for row in found["edges"]} == {id for (id,) in between}
