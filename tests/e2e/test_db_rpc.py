"""Every RPC method of db from JavaScript: what it answers, what psycopg then reads, and what it refuses."""

import asyncio
import itertools
import json
from typing import Any

import pytest

from dotdo.contracts.db.methods import METHODS
from dotdo.instants import utc_text
from tests.e2e.platform import Platform

HOSTILE = "x'; drop table things; --\" \\ $1 {a:String} %s \n\t ü 🦊"
NAN, DATE, BYTES = {"$js": "nan"}, {"$js": "date"}, {"$js": "bytes"}

_COLUMNS = "ns, id, type, content, code, data, visibility, version, created_at, updated_at"
_NAMES = ("ns", "id", "type", "content", "code", "data", "visibility", "version", "createdAt", "updatedAt")


def along(*parts: float) -> list[float]:
    """An embedding with these first components."""
    return [*parts, *[0.0] * (768 - len(parts))]


def stored(platform: Platform, ns: str, id: str) -> dict[str, Any] | None:
    """A thing as psycopg reads it, in the form RPC answers it."""
    rows = platform.rows(f"select {_COLUMNS} from things where ns = %s and id = %s", ns, id)
    if not rows:
        return None
    *values, created, updated = rows[0]
    return dict(zip(_NAMES, [*values, utc_text(created), utc_text(updated)], strict=True)) | {
        "embedding": None,
        "relationships": None,
    }


def how_many(platform: Platform, ns: str) -> int:
    return int(platform.rows("select count(*) from things where ns = %s", ns)[0][0])


def ids(found: dict[str, Any]) -> list[str]:
    return [thing["id"] for thing in found["data"]]


async def refused(platform: Platform, code: str, method: str, *args: object) -> str:
    """What the caller is told of a call that has to fail with this code."""
    answer = await platform.call("DB", method, *args)
    assert "error" in answer, (method, answer)
    told: str = answer["error"]["message"].strip().splitlines()[-1]
    assert told.startswith(f"{code}: "), (method, told)
    for inside in ("Traceback", "File ", ".py", "127.0.0.1"):
        assert inside not in answer["error"]["message"], answer
    return told.removeprefix(f"{code}: ")


# --- things ---


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


# --- batches ---


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


# --- search ---


@pytest.fixture
async def library(platform: Platform, ns: str) -> str:
    """Documents of two types with embeddings at known angles to `along(1)`."""
    rows: list[tuple[str, str, str, list[float] | None, str]] = [
        ("same", "note", "a quick fox", along(1.0), "public"),
        ("near", "page", "slow dogs", along(3.0, 1.0), "public"),
        ("right", "note", "fox and fox again", along(0.0, 2.0), "public"),
        ("opposite", "note", "nothing here", along(-1.0), "public"),
        ("hidden", "note", "a private fox", along(1.0, 0.1), "private"),
        ("plain", "note", "a fox without a vector", None, "public"),
    ]
    for id, type_, content, embedding, visibility in rows:
        await platform.result(
            "DB", "upsert",
            {"ns": ns, "id": id, "type": type_, "content": content, "embedding": embedding, "visibility": visibility},
        )  # fmt: skip
    return ns


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["same", "hidden", "near"]),
        ({"threshold": 0.99}, ["same", "hidden"]),
        ({"threshold": 1}, ["same"]),
        ({"threshold": 0}, ["same", "hidden", "near", "right"]),
        ({"threshold": -1}, ["same", "hidden", "near", "right", "opposite"]),
        ({"threshold": -1, "type": "page"}, ["near"]),
        ({"threshold": -1, "visibility": "private"}, ["hidden"]),
        ({"threshold": -1, "limit": 2, "offset": 1}, ["hidden", "near"]),
    ],
)
async def test_by_meaning(platform: Platform, library: str, options: dict[str, Any], expected: list[str]) -> None:
    found = await platform.result("DB", "vectorSearch", along(1.0), {"ns": library, **options})
    assert ids(found) == expected
    similarity = dict(platform.rows(
        "select id, 1 - (embedding <=> %s::vector) from things where ns = %s", str(along(1.0)), library
    ))  # fmt: skip
    for row in found["data"]:
        assert row["score"] == pytest.approx(similarity[row["id"]])
        assert {name: row[name] for name in _NAMES} == {
            name: value for name, value in (stored(platform, library, row["id"]) or {}).items() if name in _NAMES
        }
    assert found == await platform.result("DB", "search", "", along(1.0), {"ns": library, **options})


@pytest.mark.parametrize(
    ("query", "options", "expected"),
    [
        ("fox", {}, {"same", "right", "hidden", "plain"}),
        ("fox", {"type": "page"}, set()),
        ("dog", {"type": "page"}, {"near"}),
        ("fox -vector", {"visibility": "public"}, {"same", "right"}),
        ('"quick fox"', {}, {"same"}),
        ("dogs or quick", {}, {"same", "near"}),
        ("!!! & | ( ' \\ :*", {}, set()),
        (HOSTILE, {}, set()),
        ("fox", {"type": HOSTILE}, set()),
    ],
)
async def test_by_words(
    platform: Platform, library: str, query: str, options: dict[str, Any], expected: set[str]
) -> None:
    found = await platform.result("DB", "search", query, None, {"ns": library, **options})
    assert set(ids(found)) == expected
    scores = [row["score"] for row in found["data"]]
    assert scores == sorted(scores, reverse=True)


async def test_by_both_with_weights_and_filters(platform: Platform, library: str) -> None:
    async def search(**options: Any) -> list[str]:
        return ids(await platform.result("DB", "search", "fox", along(1.0), {"ns": library, **options}))

    assert set(await search()) == {"same", "hidden", "near", "right", "plain"}
    assert (await search())[0] in ("same", "hidden")
    assert (await search(alpha=0))[:3] == ["same", "hidden", "near"]
    assert (await search(alpha=1))[0] == "right"
    assert set(await search(visibility="private")) == {"hidden"}
    assert set(await search(type="page")) == {"near"}
    whole = await search()
    assert [id for offset in range(5) for id in await search(limit=1, offset=offset)] == whole


# --- relationships ---


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


# --- raw SQL ---


async def test_parameters_are_bound_wherever_they_stand(platform: Platform, ns: str) -> None:
    sql = """
        select $1::text as text, $2::jsonb as document, $3::text[] as texts, $4::int8 as number, $5::bool as yes,
               $6::text as nothing, $7::numeric as exact, $8::float8 as nan, $9::timestamptz as instant, $10::bytea as raw
    """
    params = [
        HOSTILE,
        {HOSTILE: [HOSTILE]},
        [HOSTILE, None, "NULL", "{}", ""],
        -7,
        True,
        None,
        "1e40",
        NAN,
        DATE,
        BYTES,
    ]
    expected = {
        "text": HOSTILE, "document": {HOSTILE: [HOSTILE]}, "texts": [HOSTILE, None, "NULL", "{}", ""], "number": -7,
        "yes": True, "nothing": None, "exact": f"1{'0' * 40}", "nan": "NaN", "instant": "2026-02-28T22:59:59.123Z",
        "raw": "\\x0001ff",
    }  # fmt: skip
    result = await platform.result("DB", "query", sql, params)
    assert (result["rows"], result["rowCount"]) == ([expected], 1)
    assert await platform.result("DB", "first", sql, params) == expected
    assert (await platform.result("DB", "query", sql, params, {"readOnly": True}))["rows"] == [expected]
    (in_transaction,) = (await platform.result("DB", "transaction", [{"sql": sql, "params": params}]))["results"]
    assert in_transaction["rows"] == [expected]
    inserted = "insert into things (ns, id, type, data) values ($1, $2, $2, $3)"
    assert await platform.result("DB", "execute", inserted, [ns, HOSTILE, {HOSTILE: HOSTILE}]) == {"rowCount": 1}
    assert platform.rows("select id, type, data from things where ns = %s", ns) == [
        (HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    ]
    assert await platform.result("DB", "first", "select 1 where false") is None


INSERT = "insert into things (ns, id, type) values ($1, 'a', 'x')"


@pytest.mark.parametrize(
    ("sql", "params", "code"),
    [
        ("select 1; select 2", [], "INVALID_SQL"),
        ("insert into things (ns, id, type) values ('{ns}', 'a', 'x'); select 1", [], "INVALID_SQL"),
        ("", [], "INVALID_SQL"), (" -- nothing\n /* /* nested */ */ ;", [], "INVALID_SQL"),
        ("selekt 1", [], "INVALID_SQL"), ("select * from nowhere", [], "INVALID_SQL"),
        ("select $1::int", [], "INVALID_SQL"), ("select $1::int", [1, 2], "INVALID_SQL"),
        ("select $2::int", [1], "INVALID_SQL"),
        ("select $1::int", ["x"], "INVALID_ARGUMENT"), ("select $1::int", [{"a": 1}], "INVALID_ARGUMENT"),
        ("select $1::text", ["a\0b"], "INVALID_ARGUMENT"), ("select $1::text", ["\ud800"], "INVALID_ARGUMENT"),
        ("select $1::text", [{"$js": "function"}], "INVALID_ARGUMENT"),
        ("select $1::text", [{"$js": "set"}], "INVALID_ARGUMENT"),
        ("select 'a\0b'", [], "INVALID_ARGUMENT"), ("select 1/0", [], "INVALID_ARGUMENT"),
        ("begin", [], "INVALID_SQL"), ("/* x */ ; COMMIT", [], "INVALID_SQL"), ("rollback", [], "INVALID_SQL"),
        ("copy things to stdout", [], "INVALID_SQL"), ("copy (select 1) to program 'true'", [], "INVALID_SQL"),
        ("select (select n from generate_series(1, 2) as n)", [], "INVALID_SQL"),
        ("do $$ begin raise exception 'mine'; end $$", [], "INVALID_SQL"),
        ("select repeat('x', 11000000)", [], "RESULT_TOO_LARGE"),
        ("insert into things (ns, id, type) values ('demo', 'welcome', 'x')", [], "CONFLICT"),
        ("insert into things (ns, id) values ('{ns}', 'x')", [], "INVALID_ARGUMENT"),
        ("insert into things (ns, id, type, visibility) values ('{ns}', 'x', 'x', 'secret')", [], "INVALID_ARGUMENT"),
        ("insert into sessions (user_id, expires_at) values ('nobody', now())", [], "REFERENCE_MISSING"),
    ],
)  # fmt: skip
async def test_sql_that_is_wrong_has_its_code_and_writes_nothing(
    platform: Platform, ns: str, sql: str, params: list[Any], code: str
) -> None:
    sql = sql.replace("{ns}", ns)
    for method in ("query", "execute", "first"):
        await refused(platform, code, method, sql, params)
    assert await refused(
        platform, code, "transaction", [{"sql": INSERT, "params": [ns]}, {"sql": sql, "params": params}]
    )
    assert how_many(platform, ns) == 0


async def test_more_rows_than_asked_for_and_writes_of_readers_are_refused(platform: Platform, ns: str) -> None:
    await refused(platform, "RESULT_TOO_LARGE", "query", "select generate_series(1, 4)", [], {"maxRows": 3})
    assert len((await platform.result("DB", "query", "select generate_series(1, 3)", [], {"maxRows": 3}))["rows"]) == 3
    for sql in (
        INSERT,
        "with a as (insert into things (ns, id, type) values ($1, 'a', 'x') returning 1) select 1 from a",
    ):
        await refused(platform, "READ_ONLY", "query", sql, [ns], {"readOnly": True})
    await refused(platform, "INVALID_SQL", "query", "set transaction read write", [], {"readOnly": True})
    await refused(platform, "TIMEOUT", "query", "select pg_sleep(9)", [], {"timeoutMs": 1})
    assert how_many(platform, ns) == 0


async def test_more_than_the_database_takes_at_once_has_its_code(platform: Platform, ns: str) -> None:
    much = "x" * 11_000_000
    await refused(platform, "PAYLOAD_TOO_LARGE", "query", "select length($1::text)", [much])
    batch = [{"ns": ns, "id": str(n), "type": "x", "data": {"x": much[:11_000]}} for n in range(1000)]
    await refused(platform, "PAYLOAD_TOO_LARGE", "batchUpsert", batch)
    assert how_many(platform, ns) == 0


# --- transactions ---


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_the_failing_statement_is_named_wherever_it_stands(platform: Platform, ns: str, size: int) -> None:
    insert = "insert into things (ns, id, type) values ($1, $2, 'x')"
    for failing in range(size):
        statements = [{"sql": insert, "params": [ns, str(n)]} for n in range(size)]
        statements[failing] = {"sql": "select $1::int", "params": ["x"]}
        told = await refused(platform, "INVALID_ARGUMENT", "transaction", statements)
        assert told.startswith(f"statement {failing}: ")
    assert how_many(platform, ns) == 0


@pytest.mark.parametrize(
    "sql", ["commit", "; END", "rollback", "/**/ abort", "begin", "START transaction", "savepoint a"]
)
async def test_a_statement_cannot_end_the_transaction_it_is_part_of(platform: Platform, ns: str, sql: str) -> None:
    statements = [{"sql": INSERT, "params": [ns]}, {"sql": sql}, {"sql": "select 1/0"}]
    assert (await refused(platform, "INVALID_SQL", "transaction", statements)).startswith("statement 1: ")
    await refused(platform, "INVALID_SQL", "transaction", [{"sql": sql}, statements[0]], {"readOnly": True})
    assert how_many(platform, ns) == 0


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
@pytest.mark.parametrize("read_only", [False, True])
async def test_a_transaction_has_the_isolation_it_asks_for(platform: Platform, isolation: str, read_only: bool) -> None:
    show = "select current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as read_only"
    done = await platform.result(
        "DB", "transaction", [{"sql": show}, {"sql": show}], {"isolation": isolation, "readOnly": read_only}
    )
    expected = {"level": isolation.replace("_", " "), "read_only": "on" if read_only else "off"}
    assert [result["rows"] for result in done["results"]] == [[expected], [expected]]


async def test_later_statements_see_what_earlier_ones_wrote(platform: Platform, ns: str) -> None:
    count = {"sql": "select count(*)::int as n from things where ns = $1", "params": [ns]}
    done = await platform.result("DB", "transaction", [count, {"sql": INSERT, "params": [ns]}, count])
    assert [result["rows"] for result in done["results"]] == [[{"n": 0}], [], [{"n": 1}]]
    assert [result["rowCount"] for result in done["results"]] == [1, 1, 1]


# --- analytics ---


async def test_typed_parameters_reach_clickhouse_as_they_are(platform: Platform) -> None:
    values = {
        "text": HOSTILE, "number": -5, "big": {"$js": "bigint"}, "real": 1.5, "yes": True, "texts": [HOSTILE, "", "NULL"],
        "numbers": [1, None, 3], "map": {HOSTILE: HOSTILE}, "counts": {"a": 1}, "instant": DATE, "day": "2026-02-28",
        "nested": [["a"], []],
    }  # fmt: skip
    types = {
        "text": "String", "number": "Int32", "big": "Int64", "real": "Float64", "yes": "Bool", "texts": "Array(String)",
        "numbers": "Array(Nullable(Int32))", "map": "Map(String, String)", "counts": "Map(String, UInt8)",
        "instant": "DateTime64(3, 'UTC')", "day": "Date", "nested": "Array(Array(String))",
    }  # fmt: skip
    sql = "select " + ", ".join(f"{{{name}:{type_}}} as {name}" for name, type_ in types.items() if name != "big")
    result = await platform.result("DB", "clickhouse", f"{sql}, toString({{big:Int64}}) as big", values)
    assert result["data"] == [{**values, "instant": "2026-02-28 22:59:59.123", "big": "9007199254740993"}]
    assert result["rows"] == 1
    assert {column["name"]: column["type"] for column in result["meta"]} == {**types, "big": "String"}
    nothing = await platform.result("DB", "clickhouse", "select {x:Nullable(String)} as x", {"x": None})
    assert nothing["data"] == [{"x": None}]


@pytest.mark.parametrize(
    ("sql", "params", "options", "code"),
    [
        ("insert into events (type) values ('{ns}')", {}, {}, "READ_ONLY"),
        ("alter table events delete where 1", {}, {}, "READ_ONLY"), ("truncate table events", {}, {}, "READ_ONLY"),
        ("drop table events", {}, {}, "READ_ONLY"), ("create table t (a Int8) engine = Memory", {}, {}, "READ_ONLY"),
        ("select 1; select 2", {}, {}, "INVALID_SQL"), ("", {}, {}, "INVALID_SQL"),
        ("select 1 format TSV", {}, {}, "INVALID_SQL"),
        ("select * from nowhere", {}, {}, "INVALID_SQL"), ("select {x:UInt8}", {}, {}, "INVALID_SQL"),
        ("select {x:UInt8}", {"x": "abc"}, {}, "INVALID_ARGUMENT"), ("select {x:String}", {"x": BYTES}, {}, "INVALID_ARGUMENT"),
        ("select {x:String}", {"x": {"$js": "function"}}, {}, "INVALID_ARGUMENT"),
        ("select 1", [], {}, "INVALID_ARGUMENT"), ("select 1", {}, {"maxMemoryUsage": 1}, "INVALID_ARGUMENT"),
        ("select 1", {}, {"maxExecutionTime": 26}, "INVALID_ARGUMENT"),
        ("select 1", {}, {"maxResultRows": 100_001}, "INVALID_ARGUMENT"),
        ("select number from numbers(11)", {}, {"maxResultRows": 10}, "RESULT_TOO_LARGE"),
        ("select sleep(3)", {}, {"maxExecutionTime": 1}, "TIMEOUT"),
        ("select number from numbers(20000) settings max_result_rows = 0", {}, {}, "INVALID_SQL"),
        ("set max_result_rows = 0", {}, {}, "INVALID_SQL"), ("kill query where 1", {}, {}, "READ_ONLY"),
        ("select * from url('http://127.0.0.1:1/', CSV, 'a String')", {}, {}, "INVALID_SQL"),
        ("select * from file('/etc/passwd', CSV, 'a String')", {}, {}, "INVALID_SQL"),
        ("select 1 into outfile '/tmp/x'", {}, {}, "DATABASE_ERROR"),
    ],
)  # fmt: skip
async def test_analytics_refuse_writes_and_what_is_wrong(
    platform: Platform, ns: str, sql: str, params: Any, options: dict[str, Any], code: str
) -> None:
    await refused(platform, code, "clickhouse", sql.replace("{ns}", ns), params, options)
    assert await events_of(platform, "type", ns) == 0


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("9007199254740991", 9007199254740991), ("9007199254740992", "9007199254740992"),
        ("-9007199254740993", "-9007199254740993"), ("18446744073709551615", "18446744073709551615"),
        ("[toInt64(9007199254740993), 1]", ["9007199254740993", 1]), ("toInt128('1' || repeat('0', 30))", f"1{'0' * 30}"),
        ("toDecimal128('0.1234567890123456789', 19)", "0.1234567890123456789"), ("toDecimal64(1, 2)", "1"),
        ("map('a', toUInt64(9007199254740992))", {"a": "9007199254740992"}), ("'9007199254740992'", "9007199254740992"),
        ("0.1", 0.1), ("1 / 3", 1 / 3), ("count()", 1), ("nan", None),
    ],
)  # fmt: skip
async def test_numbers_of_the_analytics_database_are_exact(platform: Platform, expression: str, value: Any) -> None:
    sql = f"select {expression} as v"
    assert (await platform.result("DB", "clickhouse", sql))["data"] == [{"v": value}]
    assert (await platform.from_python("DB", "clickhouse", sql))["ok"]["data"] == [{"v": value}]


async def test_probes_are_rolled_up_by_the_hour_and_the_day(platform: Platform, ns: str) -> None:
    rows = [{"service": ns, "status": status, "latency_ms": 2.5} for status in ("ok", "down", "degraded")]
    for _ in range(2):
        await platform.result("DB", "ingest", "service_health", rows, {"token": ns})
    for table in ("service_health_hourly", "service_health_daily"):
        sql = f"""
        select countMerge(probes) as n, countIfMerge(errors) as errors,
               quantilesTDigestMerge(0.5, 0.95, 0.99)(latencies) as latencies
        from {table} where service = {{service:String}}
        """
        read = await platform.result("DB", "clickhouse", sql, {"service": ns})
        assert read["data"] == [{"n": 3, "errors": 2, "latencies": [2.5, 2.5, 2.5]}]


async def test_all_events_are_counted_whatever_types_are_shown(platform: Platform, ns: str) -> None:
    await platform.result("DB", "ingest", "events", [{"type": f"{ns}-{n}"} for n in range(120)])
    before = await platform.result("DB", "clickhouse", "select count() as n from events")
    stats = await platform.result("DB", "clickhouseStats")
    assert len(stats["events"]) == 100
    assert set(stats["events"][0]) == {"type", "count", "first", "last"}
    assert stats["total"] >= before["data"][0]["n"] > sum(row["count"] for row in stats["events"])


async def events_of(platform: Platform, column: str, value: str) -> int:
    sql = f"select count() as n from events where {column} = {{value:String}}"
    return int((await platform.result("DB", "clickhouse", sql, {"value": value}))["data"][0]["n"])


@pytest.mark.parametrize(
    ("table", "bad"),
    [
        ("events", {}), ("events", {"type": ""}), ("events", {"type": 5}), ("events", {"type": ["a"]}),
        ("events", {"type": "t", "surprise": 1}), ("events", {"type": "t", "data": "text"}),
        ("events", {"type": "t", "data": {"x": NAN}}), ("events", {"type": "t", "data": {"x": BYTES}}),
        ("events", {"type": "t", "ts": "yesterday"}), ("events", {"type": "t", "ulid": "short"}),
        ("api_requests", {"status": 70_000}), ("api_requests", {"status": "200"}), ("api_requests", {"status": -1}),
        ("api_requests", {"duration_ms": NAN}), ("api_requests", {"bytes_in": -1}), ("api_requests", {"requestId": "r"}),
        ("service_health", {"status": "ok"}), ("service_health", {"service": "s", "status": "ok", "latency_ms": NAN}),
        ("service_health", {"service": "s", "status": "ok", "ts": "2026-13-01"}),
    ],
)  # fmt: skip
async def test_one_bad_row_of_a_thousand_is_not_ingested_nor_the_others(
    platform: Platform, ns: str, table: str, bad: dict[str, Any]
) -> None:
    good = {
        "events": {"type": "t", "id": ns}, "api_requests": {"route": ns}, "service_health": {"service": ns, "status": "ok"},
    }[table]  # fmt: skip
    await refused(platform, "INVALID_ARGUMENT", "ingest", table, [*[good] * 999, bad])
    column = {"events": "id", "api_requests": "route", "service_health": "service"}[table]
    sql = f"select count() as n from {table} where {column} = {{value:String}}"
    assert (await platform.result("DB", "clickhouse", sql, {"value": ns}))["data"] == [{"n": 0}]


async def test_a_token_makes_an_ingest_count_once(platform: Platform, ns: str) -> None:
    rows = [{"type": ns, "id": str(n), "source": HOSTILE, "data": {HOSTILE: n}} for n in range(100)]
    for _ in range(3):
        assert await platform.result("DB", "ingest", "events", rows, {"token": ns}) == {"inserted": 100}
    await asyncio.gather(*(platform.result("DB", "ingest", "events", rows, {"token": f"{ns}-2"}) for _ in range(4)))
    assert await events_of(platform, "type", ns) == 200
    assert await platform.result("DB", "ingest", "events", []) == {"inserted": 0}
    for table, column in (("events_hourly", "type"), ("events_daily", "type")):
        sql = f"select countMerge(events) as n, uniqMerge(ids) as ids from {table} where {column} = {{ns:String}}"
        assert (await platform.result("DB", "clickhouse", sql, {"ns": ns}))["data"] == [{"n": 200, "ids": 100}]
    stats = await platform.result("DB", "clickhouseStats")
    (own,) = [row for row in stats["events"] if row["type"] == ns]
    assert (own["count"], own["first"] <= own["last"]) == (200, True)
    assert stats["total"] >= 200


async def test_what_happened_last_comes_first(platform: Platform, ns: str) -> None:
    at = [f"2999-01-0{day}T10:00:00.5Z" for day in (2, 1, 3)]
    await platform.result("DB", "ingest", "events", [{"type": ns, "ts": ts, "data": {"a": {"b": [1]}}} for ts in at])
    recent = (await platform.result("DB", "recentActivity", 3))["data"]
    own = [row for row in recent if row["type"] == ns]
    assert [row["ts"] for row in own] == sorted((ts.replace(".5Z", ".500Z") for ts in at), reverse=True)
    assert own[0]["data"] == {"a": {"b": [1]}}


# --- the rest ---


async def test_embeddings_are_asked_for_and_stored(platform: Platform, ns: str) -> None:
    for id, type_ in (("b", "x"), ("a", "y"), ("s", "session"), ("k", "api_key"), ("l", "log")):
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": type_, "content": HOSTILE})
    before = stored(platform, ns, "a")
    missing = await platform.result("DB", "getEntitiesWithoutEmbeddings", {"ns": ns})
    assert [(row["id"], row["content"]) for row in missing] == [("a", HOSTILE), ("b", HOSTILE)]
    assert len(await platform.result("DB", "getEntitiesWithoutEmbeddings", {"ns": ns, "limit": 1})) == 1
    made = {"ns": ns, "embedding": along(0.25, -1.0), "model": HOSTILE}
    await refused(platform, "INVALID_ARGUMENT", "updateEmbeddings", [{**made, "id": "a"}, {**made, "id": "a"}])
    for bad in (along(1.0)[1:], along(0.0), [*along(1.0)[1:], NAN], along(1e-30), along(1e30)):
        await refused(
            platform,
            "INVALID_ARGUMENT",
            "updateEmbeddings",
            [{**made, "id": "b"}, {**made, "id": "a", "embedding": bad}],
        )
    assert platform.rows("select count(*) from things where ns = %s and embedding is not null", ns) == [(0,)]
    assert await platform.result("DB", "updateEmbeddings", [{**made, "id": "a"}, {**made, "id": "none"}]) == {
        "updated": 1
    }
    assert platform.rows(
        "select id, embedding::real[], embedding_model from things where ns = %s and embedding is not null", ns
    ) == [("a", along(0.25, -1.0), HOSTILE)]
    assert stored(platform, ns, "a") == before, "what readers see, and its version, is what it was"
    model = "select embedding_model from things where ns = %s and id = 'a'"
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "y", "content": "c"})
    assert platform.rows(model, ns) == [(HOSTILE,)], "the embedding is still that model's"
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "y", "embedding": along(1.0)})
    assert platform.rows(model, ns) == [(None,)], "this one came without"


async def test_counts_by_type_and_totals(platform: Platform, ns: str) -> None:
    await platform.result(
        "DB", "batchUpsert", [{"ns": ns, "id": str(n), "type": "many" if n else "one"} for n in range(4)]
    )
    expected = [{"type": "many", "count": 3}, {"type": "one", "count": 1}]
    assert await platform.result("DB", "typeDistribution", ns) == expected
    assert await platform.result("DB", "typeDistribution", HOSTILE) == []
    stats = await platform.result("DB", "stats")
    totals = platform.rows(
        "select (select count(*) from things), (select count(*) from relationships), count(embedding) from things"
    )
    assert stats["totals"] == {
        **dict(zip(("things", "relationships", "thingsWithEmbeddings"), totals[0], strict=True)), "estimated": False,
    }  # fmt: skip
    assert all(set(row) == {"ns", "count"} for row in stats["thingsByNamespace"])
    assert {row["type"]: row["count"] for row in stats["relationshipsByType"]} == dict(
        platform.rows("select type, count(*) from relationships group by 1 order by 2 desc, 1 limit 100")
    )
    health = await platform.result("DB", "health")
    assert (health["status"], health["postgres"]["status"], health["clickhouse"]["status"]) == ("ok", "ok", "ok")


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


# --- what is wrong with the arguments ---

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
    "execute": [[], ["select 1", [], {}]],
    "first": [[], ["select 1", [], {}]],
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
