"""Pages of every list: one row more than the page is asked for, and says whether there is another page."""

import json
from typing import Any, NamedTuple

import pytest

from dotdo.errors import ServiceError
from dotdo.paging import decode_cursor, encode_cursor
from dotdo.ports import HttpReply
from tests.unit.db.clickhouse_server import TEXTS, settings_of
from tests.unit.db.test_access import ADMIN, thing

INSTANT = "2026-11-23T10:00:00.000Z"


def edge(id: str) -> dict[str, Any]:
    return {
        "ns": "n", "id": id, "type": "t", "from_ns": "n", "from_id": "a", "to_ns": "n", "to_id": "b", "data": {}, "code": None,
        "visibility": "public", "version": 1, "created_at": INSTANT, "updated_at": INSTANT,
    }  # fmt: skip


def things_and_edges(kind: str, count: int) -> list[dict[str, Any]]:
    """Rows as PostgreSQL answers with them: JSON text, and what a cursor is made of."""
    ids = [f"i{number}" for number in range(count)]
    if kind == "things":
        return [{"json": json.dumps(thing(id=id)), "sort_key": f"at {id}", "id": id} for id in ids]
    return [{"json": json.dumps(edge(id)), "sort_key": f"at {id}", "ns": "n", "id": id} for id in ids]


class Listing(NamedTuple):
    """A method, where it looks, what it finds, and where in its answer the rows and the cursor are."""

    method: str
    where: list[str]
    kind: str
    rows_in: str
    page_in: str

    def __str__(self) -> str:
        return self.method


LISTS = [
    Listing("list", ["n"], "things", "data", "pagination"),
    Listing("listRelationships", ["n"], "edges", "data", "pagination"),
    Listing("getRelationships", ["n", "a"], "edges", "outgoing", "page"),
    Listing("getIncomingRelationships", ["n", "b"], "edges", "incoming", "page"),
]


@pytest.mark.parametrize("listing", LISTS, ids=str)
@pytest.mark.parametrize(("limit", "found"), [(2, 0), (2, 1), (2, 2), (2, 3), (1, 1), (1, 2), (1000, 3)])
async def test_there_is_a_cursor_when_one_row_more_than_the_page_was_found(
    endpoint: Any, rows: Any, listing: Listing, limit: int, found: int
) -> None:
    database = endpoint(rows(*things_and_edges(listing.kind, found)))
    answer = await database.rpc(listing.method, *listing.where, {"limit": limit})
    assert [row["id"] for row in answer[listing.rows_in]] == [f"i{number}" for number in range(min(limit, found))]
    assert answer[listing.page_in]["limit"] == limit
    cursor = answer[listing.page_in].get("nextCursor")
    assert (cursor is not None) == (found > limit)
    if cursor is not None:
        last = f"i{limit - 1}"
        columns = 3 if listing.kind == "edges" else 2
        assert decode_cursor(cursor, columns + 1)[1:] == [f"at {last}", *["n"] * (listing.kind == "edges"), last]
    (body,) = database.bodies
    place = f"${body['params'].index(limit) + 1}"
    assert f"limit {place}::int8 + 1 offset " in body["query"]
    assert f"case when place <= {place}::int8 + " in body["query"], (
        "the row beyond the page comes without what is large"
    )


@pytest.mark.parametrize("listing", LISTS, ids=str)
async def test_the_page_behind_a_cursor_begins_after_the_row_it_names(
    endpoint: Any, rows: Any, listing: Listing
) -> None:
    database = endpoint(rows(*things_and_edges(listing.kind, 3)), rows(*things_and_edges(listing.kind, 2)))
    first = await database.rpc(listing.method, *listing.where, {"limit": 2})
    last = await database.rpc(
        listing.method, *listing.where, {"limit": 2, "cursor": first[listing.page_in]["nextCursor"]}
    )
    assert (len(last[listing.rows_in]), last[listing.page_in].get("nextCursor")) == (2, None)
    columns = "(created_at, id)" if listing.kind == "things" else "(created_at, ns, id)"
    assert f"{columns} < (" in database.bodies[1]["query"]
    assert "at i1" in database.bodies[1]["params"]


@pytest.mark.parametrize(
    ("given_by", "taken_to"),
    [
        (["list", "n", {}], ["list", "m", {}]),
        (["list", "n", {}], ["list", "n", {"type": "t"}]),
        (["list", "n", {"type": "t"}], ["list", "n", {"visibility": "public"}]),
        (["list", "n", {}], ["list", "n", {"order": "asc"}]),
        (["list", "n", {}], ["list", "n", {"orderBy": "updatedAt"}]),
        (["list", "n", {}], ["list", "n", {"orderBy": "id"}]),
        (["list", "n", {}], ["listRelationships", "n", {}]),
        (["listRelationships", "n", {}], ["list", "n", {}]),
        (["listRelationships", "n", {}], ["getRelationships", "n", "a", {}]),
        (["getRelationships", "n", "a", {}], ["getIncomingRelationships", "n", "a", {}]),
        (["getRelationships", "n", "a", {}], ["getRelationships", "n", "b", {}]),
        (["getRelationships", "n", "a", {}], ["getRelationships", "n", "a", {"type": "t"}]),
    ],
)
async def test_a_cursor_of_another_list_is_refused_before_anything_is_asked(
    endpoint: Any, rows: Any, given_by: list[Any], taken_to: list[Any]
) -> None:
    kind = "things" if given_by[0] == "list" else "edges"
    database = endpoint(rows(*things_and_edges(kind, 2)))
    *where, options = given_by
    answer = await database.rpc(*where, {**options, "limit": 1})
    cursor = answer.get("page", answer.get("pagination"))["nextCursor"]
    *where, options = taken_to
    with pytest.raises(ServiceError) as refused:
        await database.rpc(*where, {**options, "cursor": cursor})
    assert (refused.value.code, refused.value.detail.partition(":")[0]) == ("INVALID_ARGUMENT", "cursor")
    assert len(database.http.calls) == 1


async def test_a_row_that_nests_too_deep_for_its_readers_is_refused(endpoint: Any, rows: Any) -> None:
    """Only raw SQL can store one. As with `get`, data may be 34 deep; the row is one level around it."""
    database = endpoint(*(rows({"json": f'{{"data":{nested(n)}}}', "sort_key": "at i", "id": "i"}) for n in (34, 35)))
    assert (await database.rpc("list", "n", {}))["data"] == [{"data": json.loads(nested(34))}]
    with pytest.raises(ServiceError) as refused:
        await database.rpc("list", "n", {})
    assert refused.value.code == "RESULT_TOO_DEEP"


async def test_a_long_text_that_came_apart_is_put_back(endpoint: Any, rows: Any) -> None:
    text, long = json.dumps(thing(data={"n": 1.5, "é": []})), "\x01" * 40_000
    found = {"json": text, "sort_key": "at i", "id": "i"}
    database = endpoint(rows({**found, "content": None, "code": None}, {**found, "content": long, "code": None}))
    short, whole = (await database.rpc("list", "n", {}))["data"]
    assert whole == {**short, "content": long}
    assert short == thing(data={"n": 1.5, "é": []})


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


async def test_an_offset_is_sent_beside_the_limit(endpoint: Any, rows: Any) -> None:
    database = endpoint(rows(*things_and_edges("things", 3)))
    answer = await database.rpc("list", "n", {"limit": 2, "offset": 7})
    assert (answer["pagination"]["offset"], len(answer["data"])) == (7, 2)
    (body,) = database.bodies
    assert body["params"] == ["n", 2, 7]
    assert "limit $2::int8 + 1 offset $3" in body["query"]
    assert "place <= $2::int8 + $3" in body["query"]


async def test_an_offset_from_a_cursor_is_refused(endpoint: Any, rows: Any) -> None:
    database = endpoint(rows(*things_and_edges("things", 2)))
    cursor = (await database.rpc("list", "n", {"limit": 1}))["pagination"]["nextCursor"]
    with pytest.raises(ServiceError, match="offset: cannot be combined with cursor"):
        await database.rpc("list", "n", {"cursor": cursor, "offset": 1})
    assert len(database.http.calls) == 1
    await database.rpc("list", "n", {"cursor": cursor, "offset": 0})
    assert len(database.http.calls) == 2


def events(count: int) -> HttpReply:
    found = [
        {"ulid": f"u{number}", "ts": INSTANT, "type": "t", "id": "", "source": "", "data": {}}
        for number in range(count)
    ]
    return HttpReply(200, {}, json.dumps({"data": found, "meta": [], "rows": count}).encode())


@pytest.mark.parametrize(("found", "more"), [(0, False), (2, False), (3, True)])
async def test_a_page_of_events_is_found_the_same_way(endpoint: Any, found: int, more: bool) -> None:
    database = endpoint(events(found), **TEXTS)
    response = await database.send("GET", "/activity?limit=2", ADMIN)
    answer = json.loads(response.body)
    assert [event["ulid"] for event in answer["data"]] == [f"u{number}" for number in range(min(found, 2))]
    assert (answer["page"]["limit"], answer["page"]["next_cursor"] is not None) == (2, more)
    (call,) = database.http.calls
    assert settings_of(call)["param_limit"] == "3"
    assert "where true order by" in str(call.body)
    if more:
        assert decode_cursor(answer["page"]["next_cursor"], 2) == [INSTANT, "u1"]


async def test_events_behind_a_cursor_are_older_than_the_one_it_names(endpoint: Any) -> None:
    database = endpoint(events(1), **TEXTS)
    response = await database.send("GET", f"/activity?cursor={encode_cursor([INSTANT, 'u1'])}", ADMIN)
    assert json.loads(response.body)["page"] == {"limit": 20, "next_cursor": None}
    (call,) = database.http.calls
    settings = settings_of(call)
    sent = {name: value for name, value in settings.items() if name.startswith("param_")}
    assert sent == {"param_limit": "21", "param_ts": "2026-11-23 10:00:00.000", "param_ulid": "u1"}
    assert "(events.ts, ulid) < ({ts:DateTime64(3, 'UTC')}, {ulid:String})" in str(call.body)
