"""What is not public is shown by no list and no walk: not by the edges that lead to it either."""

from typing import Any

import httpx
import pytest

from tests.e2e.platform import Platform, problem

EDGES = ("a-b", "a-private", "a-unlisted", "private-a", "private-c", "unlisted-c")


@pytest.fixture
async def place(platform: Platform, ns: str) -> str:
    """Public things a and b, nothing at c, and public edges from and to a private and an unlisted thing."""
    for id in ("a", "b", "private", "unlisted"):
        visibility = id if len(id) > 1 else "public"
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": "x", "visibility": visibility})
    for id in EDGES:
        start, finish = id.split("-")
        edge = {"ns": ns, "id": id, "type": "to", "fromNs": ns, "fromId": start, "toNs": ns, "toId": finish}
        await platform.result("DB", "upsertRelationship", edge)
    return ns


# What a user gets, and what an admin gets.
LISTS = [
    ("/db/relationships?ns={ns}", "a-b", " ".join(EDGES)),
    ("/db/things/{ns}/a/relationships", "a-b", "a-b a-private a-unlisted"),
    ("/db/things/{ns}/a/relationships?direction=in", "", "private-a"),
    ("/db/things/{ns}/c/relationships?direction=in", "", "private-c unlisted-c"),
    ("/db/things/{ns}/private/relationships", "", "private-a private-c"),
    ("/db/things/{ns}/private/relationships?direction=in", "", "a-private"),
    ("/db/things/{ns}/unlisted/relationships", "unlisted-c", "unlisted-c"),
    ("/db/things/{ns}/unlisted/relationships?direction=in", "a-unlisted", "a-unlisted"),
]


@pytest.mark.parametrize(("path", "user_sees", "admin_sees"), LISTS)
async def test_lists_of_edges(
    place: str, user: httpx.AsyncClient, admin: httpx.AsyncClient, path: str, user_sees: str, admin_sees: str
) -> None:
    for client, seen in ((user, user_sees), (admin, admin_sees)):
        found = (await client.get(path.format(ns=place))).json()["data"]
        assert sorted(edge["id"] for edge in found) == sorted(seen.split())


GRAPHS = [
    ("a?depth=5", "a b", "a b c private unlisted"),
    ("a?depth=5&direction=both", "a b", "a b c private unlisted"),
    ("c?depth=5&direction=both", "c", "a b c private unlisted"),
    ("private?depth=5", "private", "a b c private unlisted"),
    ("unlisted?depth=5", "c unlisted", "c unlisted"),
    ("unlisted?depth=5&direction=in", "a unlisted", "a private unlisted"),
]


@pytest.mark.parametrize(("start", "user_sees", "admin_sees"), GRAPHS)
async def test_what_is_reached(
    place: str, user: httpx.AsyncClient, admin: httpx.AsyncClient, start: str, user_sees: str, admin_sees: str
) -> None:
    path = f"/db/things/{place}/{start}".replace("?", "/graph?")
    for client, seen in ((user, user_sees), (admin, admin_sees)):
        found = (await client.get(path)).json()
        assert " ".join(sorted(node["id"] for node in found["nodes"])) == seen
        ends = {end for edge in found["edges"] for end in (edge["from_id"], edge["to_id"])}
        assert ends <= set(seen.split())


@pytest.mark.parametrize("path", ["", "/relationships", "/relationships?direction=in", "/graph?direction=both"])
async def test_a_private_thing_is_as_one_that_is_not_there(place: str, user: httpx.AsyncClient, path: str) -> None:
    def told(answer: httpx.Response, id: str) -> Any:
        text = answer.text.replace(place, "NS").replace(answer.headers["x-request-id"], "")
        return answer.status_code, text.replace(id, "ID")

    private, missing = [await user.get(f"/db/things/{place}/{id}{path}") for id in ("private", "missing")]
    assert told(private, "private") == told(missing, "missing")


@pytest.mark.parametrize(
    ("edge", "status"), [("a-b", 200), ("a-private", 404), ("private-c", 404), ("a-unlisted", 200)]
)
async def test_an_edge_that_cannot_be_seen_is_neither_read_nor_deleted(
    platform: Platform, place: str, user: httpx.AsyncClient, edge: str, status: int
) -> None:
    assert (await user.get(f"/db/relationships/{place}/{edge}")).status_code == status
    answer = await user.delete(f"/db/relationships/{place}/{edge}")
    assert answer.status_code == status
    left = platform.rows("select count(*) from relationships where ns = %s and id = %s", place, edge)
    assert left == [(int(status == 404),)]


async def test_nor_is_it_overwritten(platform: Platform, place: str, user: httpx.AsyncClient) -> None:
    edge = {"ns": place, "type": "mine", "from_ns": place, "from_id": "x", "to_ns": place, "to_id": "y"}
    problem(await user.post("/db/relationships", json={**edge, "id": "a-private"}), 403, "FORBIDDEN")
    assert (await user.post("/db/relationships", json={**edge, "id": "a-b"})).status_code == 200
    rows = platform.rows("select id, type, version from relationships where ns = %s order by id limit 2", place)
    assert rows == [("a-b", "mine", 2), ("a-private", "to", 1)]
