"""Things by RPC from JavaScript: single and in batches, listed in pages, what psycopg then reads, and what is refused."""

import asyncio
import itertools
from typing import Any

import pytest

from tests.e2e.platform import Platform
from tests.e2e.rpc_calls import BYTES, HOSTILE, NAN, along, how_many, ids, refused, stored


async def test_what_is_written_is_what_psycopg_reads(platform: Platform, ns: str) -> None:
    full = {
        "ns": ns, "id": HOSTILE, "type": HOSTILE, "content": HOSTILE, "code": HOSTILE, "visibility": "unlisted",
        "data": {HOSTILE: [HOSTILE, None, True, 1.5, -7, {"deep": []}]}, "embedding": along(1.0, 0.5),
    }  # fmt: skip
    written = await platform.result("DB", "upsert", full)
    assert written == stored(platform, ns, HOSTILE) == await platform.result("DB", "get", ns, HOSTILE)
    assert {name: written[name] for name in full if name != "embedding"} | {"embedding": full["embedding"]} == full
    with_embedding = await platform.result("DB", "get", ns, HOSTILE, {"includeEmbedding": True})
    assert with_embedding["embedding"] == full["embedding"]
    deleted = await platform.result("DB", "delete", ns, HOSTILE)
    assert (deleted, stored(platform, ns, HOSTILE)) == (written, None)
    assert await platform.result("DB", "delete", ns, HOSTILE) is None


async def test_an_upsert_writes_the_thing_whole_and_counts(platform: Platform, ns: str) -> None:
    first = await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x", "content": "c", "data": {"a": 1}})
    second = await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "y", "data": {"b": 2}})
    assert second == stored(platform, ns, "a")
    assert (second["content"], second["data"], second["version"]) == (None, {"b": 2}, 2)
    assert second["createdAt"] == first["createdAt"]


async def test_a_version_is_asked_for_and_counts_once(platform: Platform, ns: str) -> None:
    thing = {"ns": ns, "id": "a", "type": "x"}
    await refused(platform, "VERSION_MISMATCH", "upsert", thing, {"ifVersion": 1})
    assert how_many(platform, ns) == 0
    await platform.result("DB", "upsert", thing)
    answers = await asyncio.gather(
        *(platform.call("DB", "upsert", {**thing, "data": {"n": n}}, {"ifVersion": 1}) for n in range(5)),
        *(platform.call("DB", "patch", ns, "a", {"data": {"n": n}}, {"ifVersion": 1}) for n in range(5)),
    )
    (won,) = [answer["ok"] for answer in answers if "ok" in answer]
    assert sum("VERSION_MISMATCH: " in answer.get("error", {}).get("message", "") for answer in answers) == 9
    assert won == stored(platform, ns, "a")
    assert won["version"] == 2


async def test_a_patch_changes_what_it_names(platform: Platform, ns: str) -> None:
    thing = {"ns": ns, "id": "a", "type": "x", "content": "c", "code": "k", "data": {"a": 1, "b": {"c": 1, "d": 2}}}
    await platform.result("DB", "upsert", thing)
    changes = {"data": {"a": None, "b": {"c": HOSTILE}}, "code": None, "visibility": "private"}
    patched = await platform.result("DB", "patch", ns, "a", changes)
    assert patched == stored(platform, ns, "a")
    assert (patched["content"], patched["code"], patched["visibility"]) == ("c", None, "private")
    assert (patched["data"], patched["version"]) == ({"b": {"c": HOSTILE, "d": 2}}, 2)
    assert await platform.result("DB", "patch", ns, "absent", {"type": "y"}) is None
    assert await platform.result("DB", "patch", ns, "absent", {"type": "y"}, {"ifVersion": 1}) is None


@pytest.mark.parametrize("changes", [{"type": None}, {"data": None}, {"visibility": None}])
async def test_what_cannot_be_null_is_not_patched_away(platform: Platform, ns: str, changes: dict[str, None]) -> None:
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x"})
    assert next(iter(changes)) in await refused(platform, "INVALID_ARGUMENT", "patch", ns, "a", changes)
    assert platform.rows("select version from things where ns = %s", ns) == [(1,)]


@pytest.fixture
async def dozen(platform: Platform, ns: str) -> str:
    """Twelve things; ids are in the reverse order of creation, and every three share both their instants."""
    platform.rows(
        """
        insert into things (ns, id, type, visibility, created_at, updated_at)
        select %s, chr(108 - n), case when n %% 2 = 0 then 'even' else 'odd' end,
               case when n = 0 then 'private' when n = 1 then 'unlisted' else 'public' end,
               '2026-01-01'::timestamptz + n / 3 * interval '1 microsecond',
               '2026-02-01'::timestamptz - n / 3 * interval '1 day'
        from generate_series(0, 11) as n returning 1
        """,
        ns,
    )
    return ns


@pytest.mark.parametrize("limit", [1, 5, 12])
@pytest.mark.parametrize(
    ("order_by", "order"), list(itertools.product(["createdAt", "updatedAt", "id"], ["asc", "desc"]))
)
async def test_pages_meet_in_every_order(platform: Platform, dozen: str, order_by: str, order: str, limit: int) -> None:
    column = {"createdAt": "created_at", "updatedAt": "updated_at", "id": "id"}[order_by]
    expected = [row[0] for row in platform.rows(
        f"select id from things where ns = %s order by {column} {order}, id {order}", dozen
    )]  # fmt: skip
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(-(-12 // limit)):
        page = await platform.result(
            "DB", "list", dozen, {"limit": limit, "orderBy": order_by, "order": order, "cursor": cursor}
        )
        seen += ids(page)
        cursor = page["pagination"]["nextCursor"]
    assert (seen, cursor) == (expected, None)


async def test_a_cursor_fits_the_list_it_was_given_for_and_no_other(platform: Platform, dozen: str) -> None:
    asked = {"limit": 2, "type": "even"}
    cursor = (await platform.result("DB", "list", dozen, asked))["pagination"]["nextCursor"]
    assert len(ids(await platform.result("DB", "list", dozen, {**asked, "limit": 7, "cursor": cursor}))) == 4
    foreign: list[tuple[str, dict[str, Any]]] = [
        (dozen, {**asked, "order": "asc"}), (dozen, {**asked, "orderBy": "updatedAt"}), (dozen, {**asked, "orderBy": "id"}),
        (dozen, {**asked, "type": "odd"}), (dozen, {"limit": 2}), (f"{dozen}2", asked),
    ]  # fmt: skip
    for ns, options in foreign:
        assert "cursor" in await refused(platform, "INVALID_ARGUMENT", "list", ns, {**options, "cursor": cursor})
    for tampered in (cursor[:-2], cursor[2:], f"{cursor}A", cursor[:20] + "A" + cursor[21:], "", "ü", "bnVsbA"):
        await refused(platform, "INVALID_ARGUMENT", "list", dozen, {**asked, "cursor": tampered})
    await refused(platform, "INVALID_ARGUMENT", "list", dozen, {**asked, "cursor": cursor, "offset": 1})


async def test_filters_combine_and_count_agrees(platform: Platform, dozen: str) -> None:
    for options, expected in (
        ({}, "abcdefghijkl"), ({"type": "even"}, "bdfhjl"), ({"visibility": "unlisted"}, "k"),
        ({"type": "even", "visibility": "public"}, "bdfhj"), ({"type": "odd", "visibility": "private"}, ""),
    ):  # fmt: skip
        page = await platform.result(
            "DB", "list", dozen, {**options, "orderBy": "id", "order": "asc", "count": "exact"}
        )
        assert "".join(ids(page)) == expected
        assert page["pagination"]["total"] == len(expected) == await platform.result("DB", "count", dozen, options)
    offset = await platform.result("DB", "list", dozen, {"orderBy": "id", "order": "asc", "offset": 10})
    assert ids(offset) == ["k", "l"]


@pytest.mark.parametrize("at", [0, 500, 999])
@pytest.mark.parametrize(
    "bad",
    [
        {"type": 5}, {"type": None}, {"id": ""}, {"id": "a\0b"}, {"visibility": "secret"}, {"embedding": [1.0] * 767},
        {"embedding": [0] * 768}, {"embedding": [1e30] * 768}, {"surprise": 1}, {"data": []}, {"data": {"x": NAN}},
        {"data": {"x": "\0"}}, {"data": {"x": "\ud800"}}, {"data": {"x": BYTES}}, {"id": "0"},
    ],
    ids="-".join,
)  # fmt: skip
async def test_one_bad_row_of_a_thousand_writes_nothing(
    platform: Platform, ns: str, bad: dict[str, Any], at: int
) -> None:
    batch: list[dict[str, Any]] = [{"ns": ns, "id": f"i{n}", "type": "x"} for n in range(999)]
    batch[0 if at else 1]["id"] = "0"
    batch.insert(at, {"ns": ns, "id": "bad", "type": "x", **bad})
    await refused(platform, "INVALID_ARGUMENT", "batchUpsert", batch)
    assert how_many(platform, ns) == 0


@pytest.mark.parametrize("size", [0, 1001])
async def test_a_batch_has_one_to_a_thousand_rows(platform: Platform, ns: str, size: int) -> None:
    batch = [{"ns": ns, "id": str(n), "type": "x"} for n in range(size)]
    await refused(platform, "INVALID_ARGUMENT", "batchUpsert", batch)
    assert how_many(platform, ns) == 0


async def test_a_batch_inserts_and_updates_as_single_writes_do(platform: Platform, ns: str) -> None:
    await platform.result("DB", "upsert", {"ns": ns, "id": "1", "type": "old", "embedding": along(1.0), "content": "c"})
    batch = [
        {"ns": ns, "id": str(n), "type": HOSTILE, "data": {HOSTILE: n}, "visibility": "private"} for n in range(1000)
    ]
    assert await platform.result("DB", "batchUpsert", batch) == {"inserted": 999, "updated": 1}
    one = stored(platform, ns, "1")
    assert one is not None
    assert (one["type"], one["content"], one["data"], one["version"]) == (HOSTILE, None, {HOSTILE: 1}, 2)
    assert platform.rows("select embedding is not null from things where ns = %s and id = '1'", ns) == [(True,)]


async def test_batches_that_share_rows_do_not_block_each_other(platform: Platform, ns: str) -> None:
    forth = [{"ns": ns, "id": str(n), "type": "x"} for n in range(100)]
    results = await asyncio.gather(*(platform.result("DB", "batchUpsert", batch) for batch in (forth, forth[::-1]) * 4))
    assert sum(result["inserted"] for result in results) == 100
    assert platform.rows("select distinct version from things where ns = %s", ns) == [(8,)]


@pytest.mark.parametrize("order", ["first", "again", "other"])
async def test_an_idempotency_key_writes_once(platform: Platform, ns: str, order: str) -> None:
    thing, options = {"ns": ns, "id": "a", "type": "x"}, {"idempotencyKey": ns}
    first = await platform.result("DB", "upsert", thing, options)
    if order == "again":
        assert await platform.result("DB", "upsert", thing, options) == first
        answers = await asyncio.gather(*(platform.result("DB", "upsert", thing, options) for _ in range(5)))
        assert all(answer == first for answer in answers)
    if order == "other":
        await refused(platform, "IDEMPOTENCY_KEY_REUSED", "upsert", {**thing, "type": "y"}, options)
        await refused(platform, "IDEMPOTENCY_KEY_REUSED", "upsert", thing, {**options, "ifVersion": 1})
    assert stored(platform, ns, "a") == first
    conditional = {"ifVersion": 1, "idempotencyKey": f"{ns}-2"}
    second = await platform.result("DB", "upsert", {**thing, "type": "z"}, conditional)
    assert second["version"] == 2
    assert await platform.result("DB", "upsert", {**thing, "type": "z"}, conditional) == second, (
        "its condition held then"
    )
