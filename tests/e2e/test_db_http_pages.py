"""Cursors over HTTP: whole, once, and only for the question they came from."""

import base64
import json
import time
from typing import Any

import httpx
import pytest

from dotdo.instants import rfc3339
from dotdo.paging import encode_cursor
from tests.e2e.platform import Platform, problem


@pytest.fixture
async def seven(platform: Platform, ns: str) -> str:
    """Seven things and seven edges at one hub, all written at one instant: only the id tells them apart."""
    things = [{"ns": ns, "id": f"id-{n}", "type": "even" if n % 2 == 0 else "odd"} for n in range(7)]
    await platform.result("DB", "batchUpsert", things)
    platform.rows(
        "insert into relationships (ns, id, type, from_ns, from_id, to_ns, to_id) "
        "select ns, id, type, ns, 'hub', ns, id from things where ns = %s returning id", ns,
    )  # fmt: skip
    return ns


async def walk(client: httpx.AsyncClient, path: str, params: dict[str, str]) -> list[str]:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(10):
        answer = (await client.get(path, params={**params, **cursor})).json()
        assert len(answer["data"]) <= int(params["limit"])
        seen += [row["id"] for row in answer["data"]]
        if answer["page"]["next_cursor"] is None:
            return seen
        cursor = {"cursor": answer["page"]["next_cursor"]}
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", ["1", "2", "6", "7", "8"])
@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/db/things", {}), ("/db/things", {"order": "asc"}), ("/db/things", {"order_by": "id", "order": "asc"}),
        ("/db/things", {"order_by": "updated_at"}), ("/db/relationships", {}), ("/db/things/$ns/hub/relationships", {}),
    ],
)  # fmt: skip
async def test_pages_have_every_row_once(
    user: httpx.AsyncClient, seven: str, path: str, order: dict[str, str], limit: str
) -> None:
    params = {"limit": limit, **order} if "$ns" in path else {"ns": seven, "limit": limit, **order}
    found = await walk(user, path.replace("$ns", seven), params)
    assert found == sorted(found, reverse=order.get("order", "desc") == "desc")
    assert len(set(found)) == 7


def told(parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


def opened(cursor: str) -> list[str]:
    parts: list[str] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return parts


@pytest.mark.parametrize("path", ["/db/things", "/db/relationships", "/db/things/$ns/hub/relationships"])
@pytest.mark.parametrize(
    "cursor",
    ["", "x", "=", "é", "\x00", "AAAA", told([]), told("text"), told({}), told([1, 2, 3]), told(["a"]), told(["a"] * 4),
     told(["a", "2026-01-01", "b"]), told(["a", "now()", "x", "y"]), "W" * 6000, "[" * 5000],
)  # fmt: skip
async def test_what_is_no_cursor_is_refused(user: httpx.AsyncClient, seven: str, path: str, cursor: str) -> None:
    params = {"cursor": cursor} if "$ns" in path else {"ns": seven, "cursor": cursor}
    problem(await user.get(path.replace("$ns", seven), params=params), 400, "INVALID_ARGUMENT")


async def test_a_cursor_that_was_changed_is_refused(user: httpx.AsyncClient, seven: str) -> None:
    cursor = (await user.get("/db/things", params={"ns": seven, "limit": "2"})).json()["page"]["next_cursor"]
    parts = opened(cursor)
    for index in range(len(parts)):
        changed = [part + "0" if at == index else part for at, part in enumerate(parts)]
        problem(await user.get("/db/things", params={"ns": seven, "cursor": told(changed)}), 400, "INVALID_ARGUMENT")
    assert (await user.get("/db/things", params={"ns": seven, "cursor": told(parts)})).status_code == 200


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("/db/things", {"ns": "another"}), ("/db/things", {"type": "odd"}), ("/db/things", {"order": "asc"}),
        ("/db/things", {"order_by": "id"}), ("/db/things", {"order_by": "updated_at"}), ("/db/relationships", {}),
    ],
)  # fmt: skip
async def test_a_cursor_of_another_list_is_refused(
    user: httpx.AsyncClient, seven: str, path: str, other: dict[str, str]
) -> None:
    cursor = (await user.get("/db/things", params={"ns": seven, "limit": "2"})).json()["page"]["next_cursor"]
    problem(await user.get(path, params={"ns": seven, "cursor": cursor, **other}), 400, "INVALID_ARGUMENT")


async def test_a_cursor_given_to_who_sees_all_shows_another_nothing_more(platform: Platform, seven: str) -> None:
    platform.rows("update relationships set visibility = 'private' where ns = %s and type = 'odd' returning 1", seven)
    async with platform.client("admin") as admin, platform.client("user") as user:
        cursor = (await admin.get("/db/relationships", params={"ns": seven, "limit": "2"})).json()["page"][
            "next_cursor"
        ]
        answer = await user.get("/db/relationships", params={"ns": seven, "cursor": cursor})
    problem(answer, 400, "INVALID_ARGUMENT")


async def test_large_rows_side_by_side_are_listed_one_by_one(
    platform: Platform, admin: httpx.AsyncClient, ns: str
) -> None:
    """Two of them are more than the database answers with at once."""
    large = "x" * 6_000_000
    edge = {"type": "x", "fromNs": ns, "fromId": "hub", "toNs": ns, "code": large}
    for id in ("a", "b"):
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": "x", "content": large})
        await platform.result("DB", "upsertRelationship", {**edge, "id": id, "toId": id})
    for path in ("/db/things", "/db/relationships", f"/db/things/{ns}/hub/relationships"):
        of = {} if "hub" in path else {"ns": ns}
        assert await walk(admin, path, {**of, "limit": "1"}) == ["b", "a"]
    page = (await admin.get("/db/things", params={"ns": ns, "limit": "1"})).json()
    assert page["data"][0]["content"] == large


async def test_what_happened_is_read_page_by_page(platform: Platform, admin: httpx.AsyncClient, ns: str) -> None:
    """Five events of one instant: only their ulids tell them apart."""
    ts = rfc3339(time.time())
    await platform.result("DB", "ingest", "events", [{"type": ns, "id": str(n), "ts": ts} for n in range(5)])
    page = (await admin.get("/db/activity", params={"limit": "2"})).json()
    seen = page["data"]
    while sum(event["type"] == ns for event in seen) < 5:
        assert page["page"]["limit"] == 2
        page = (await admin.get("/db/activity", params={"limit": "2", "cursor": page["page"]["next_cursor"]})).json()
        seen += page["data"]
    assert sorted(event["id"] for event in seen if event["type"] == ns) == ["0", "1", "2", "3", "4"]
    places = [(event["ts"], event["ulid"]) for event in seen]
    assert places == sorted(set(places), reverse=True)
    whole = (await admin.get("/db/activity")).json()
    assert whole["page"]["limit"] == 20
    assert whole["data"][:5] == [event for event in seen if event["type"] == ns]
    for wrong in ("x", encode_cursor(["yesterday", "x"]), encode_cursor([ts])):
        problem(await admin.get("/db/activity", params={"cursor": wrong}), 400, "INVALID_ARGUMENT")
