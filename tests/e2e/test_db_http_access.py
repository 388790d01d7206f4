"""Who may do what to which row over HTTP, on the Worker's own address with the identity the gateway would send."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dotdo.identity import Identity
from tests.e2e.platform import Platform, problem

READ, WRITE = ("things:read", "relationships:read", "search:read"), ("things:write", "relationships:write")
CALLERS = {
    "viewer": Identity("api_key", "u1", "viewer", permissions=READ, key_id="k1"),
    "user": Identity("user", "u2", "user", permissions=(*READ, *WRITE)),
    "auditor": Identity("api_key", "u3", "user", permissions=(*READ, "things:private"), key_id="k3"),
    "keeper": Identity("api_key", "u4", "user", permissions=(*READ, *WRITE, "things:private"), key_id="k4"),
    "admin": Identity("user", "u5", "admin", permissions=("*",)),
}
VISIBILITIES = ("public", "unlisted", "private")


@pytest.fixture
async def rows(platform: Platform, ns: str) -> str:
    """A thing of each visibility, a hub, and an edge of each visibility from the hub to that thing."""
    await platform.result("DB", "upsert", {"ns": ns, "id": "hub", "type": "hub"})
    for visibility in VISIBILITIES:
        thing = {"ns": ns, "id": visibility, "type": "x", "visibility": visibility, "content": "fox"}
        await platform.result("DB", "upsert", thing)
        edge = {"ns": ns, "id": visibility, "type": "to", "fromNs": ns, "fromId": "hub", "toNs": ns, "toId": visibility}
        await platform.result("DB", "upsertRelationship", {**edge, "visibility": visibility})
    return ns


@pytest.fixture
async def clients(platform: Platform) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    opened = {name: platform.behind_the_gateway("db", identity) for name, identity in CALLERS.items()}
    yield opened
    for client in opened.values():
        await client.aclose()


def expected(row: str) -> dict[str, tuple[int, int, int]]:
    """`viewer: 200 200 404 | …`: the status for each of VISIBILITIES, by caller."""
    table = {}
    for part in row.split("|"):
        name, _, statuses = part.partition(":")
        public, unlisted, private = map(int, statuses.split())
        table[name.strip()] = (public, unlisted, private)
    assert table.keys() == CALLERS.keys()
    return table


THING, EDGE = "/things/{ns}/{visibility}", "/relationships/{ns}/{visibility}"
NOT_SEEN = "viewer: 403 403 403 | user: {0} {0} {1} | auditor: 403 403 403 | keeper: {0} {0} {0} | admin: {0} {0} {0}"
ADDRESSED: list[tuple[str, str, Any, str]] = [
    ("GET", THING, None,
     "viewer: 200 200 404 | user: 200 200 404 | auditor: 200 200 200 | keeper: 200 200 200 | admin: 200 200 200"),
    ("PUT", THING, {"type": "y"}, NOT_SEEN.format(200, 403)),
    ("PATCH", THING, {"type": "y"}, NOT_SEEN.format(200, 404)),
    ("DELETE", THING, None, NOT_SEEN.format(200, 404)),
    ("POST", "/things", {"ns": "{ns}", "id": "{visibility}", "type": "y"}, NOT_SEEN.format(200, 403)),
    ("POST", "/things/batch", {"things": [{"ns": "{ns}", "id": "{visibility}", "type": "y"}]},
     NOT_SEEN.format(200, 403)),
    ("GET", EDGE, None,
     "viewer: 200 200 404 | user: 200 200 404 | auditor: 200 200 200 | keeper: 200 200 200 | admin: 200 200 200"),
    ("DELETE", EDGE, None, NOT_SEEN.format(200, 404)),
    ("POST", "/relationships",
     {"ns": "{ns}", "id": "{visibility}", "type": "y", "from_ns": "a", "from_id": "b", "to_ns": "c", "to_id": "d"},
     NOT_SEEN.format(200, 403)),
]  # fmt: skip


def filled(value: Any, **names: str) -> Any:
    if isinstance(value, str):
        return value.format(**names)
    if isinstance(value, list):
        return [filled(one, **names) for one in value]
    return {name: filled(one, **names) for name, one in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("verb", "path", "body", "row"), ADDRESSED)
async def test_a_row_that_is_addressed(
    platform: Platform, rows: str, clients: dict[str, httpx.AsyncClient],
    caller: str, verb: str, path: str, body: Any, row: str,
) -> None:  # fmt: skip
    for visibility, status in zip(VISIBILITIES, expected(row)[caller], strict=True):
        before = platform.rows("select * from things where ns = %s order by id", rows)
        address, sent = filled((path), ns=rows, visibility=visibility), filled(body, ns=rows, visibility=visibility)
        answer = await clients[caller].request(verb, address, json=sent)
        assert answer.status_code == status, (visibility, answer.text)
        if status >= 400:
            problem(answer, status, "NOT_FOUND" if status == 404 else "FORBIDDEN")
            assert platform.rows("select * from things where ns = %s order by id", rows) == before


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "k"}])
async def test_a_batch_with_a_hidden_thing_in_it_writes_nothing(
    platform: Platform, rows: str, clients: dict[str, httpx.AsyncClient], headers: dict[str, str]
) -> None:
    before = platform.rows("select * from things where ns = %s order by id", rows)
    batch = [{"ns": rows, "id": id, "type": "y"} for id in ("a", "public", "private", "z")]
    headers = {name: f"{value}-{rows}" for name, value in headers.items()}
    for _ in range(2):
        problem(await clients["user"].post("/things/batch", json={"things": batch}, headers=headers), 403, "FORBIDDEN")
        assert platform.rows("select * from things where ns = %s order by id", rows) == before
    allowed = [one for one in batch if one["id"] != "private"]
    answer = await clients["user"].post("/things/batch", json={"things": allowed}, headers=headers)
    assert answer.json() == {"inserted": 2, "updated": 1}


ONLY_PUBLIC = {name: {"public"} for name in CALLERS}
EDGES = {name: {"public"} if name in ("viewer", "user") else set(VISIBILITIES) for name in CALLERS}
LISTED: list[tuple[str, dict[str, set[str]]]] = [
    ("/things?ns={ns}&type=x", ONLY_PUBLIC),
    ("/things?ns={ns}&type=x&visibility=public", ONLY_PUBLIC),
    ("/search?q=fox&ns={ns}", ONLY_PUBLIC),
    ("/relationships?ns={ns}", EDGES),
    ("/things/{ns}/hub/relationships", EDGES),
]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("path", "seen"), LISTED)
async def test_a_list_has_what_its_reader_may_see(
    rows: str, clients: dict[str, httpx.AsyncClient], caller: str, path: str, seen: dict[str, set[str]]
) -> None:
    answer = await clients[caller].get(path.format(ns=rows))
    assert {row["id"] for row in answer.json()["data"]} == seen[caller]


@pytest.mark.parametrize("caller", CALLERS)
async def test_what_is_asked_for_by_visibility_and_what_is_reached(
    rows: str, clients: dict[str, httpx.AsyncClient], caller: str
) -> None:
    client = clients[caller]
    for visibility in ("unlisted", "private"):
        asked = {"ns": rows, "visibility": visibility}
        for answer in (
            await client.get("/things", params=asked), await client.get("/search", params={"q": "fox", **asked}),
            await client.post("/search", json={"query": "fox", **asked}),
        ):  # fmt: skip
            if caller in ("viewer", "user"):
                problem(answer, 403, "FORBIDDEN")
            else:
                assert [thing["id"] for thing in answer.json()["data"]] == [visibility]
    graph = (await client.get(f"/things/{rows}/hub/graph")).json()
    assert {node["id"] for node in graph["nodes"]} == {"hub", *EDGES[caller]}
    assert {edge["id"] for edge in graph["edges"]} == EDGES[caller]


async def test_a_search_by_post_is_a_read_to_the_gateway_too(platform: Platform, rows: str) -> None:
    async with platform.client("viewer") as viewer:
        answer = await viewer.post("/db/search", json={"query": "fox", "ns": rows})
        assert (answer.status_code, [thing["id"] for thing in answer.json()["data"]]) == (200, ["public"])
        problem(await viewer.post("/db/things", json={"ns": rows, "id": "x", "type": "x"}), 403, "FORBIDDEN")


@pytest.mark.parametrize("path", ["/stats", "/types", "/activity"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_what_is_said_of_everything_is_for_admins(
    clients: dict[str, httpx.AsyncClient], caller: str, path: str
) -> None:
    assert (await clients[caller].get(path)).status_code == (200 if caller == "admin" else 403)
