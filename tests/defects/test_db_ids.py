"""The known defects of the data layer with ids, edges, columns and the schema, each shown to be absent."""

import re

import httpx
import pytest

from scripts.runtime.services import ROOT
from tests.defects.test_db_data import along, ids
from tests.e2e.platform import Platform, problem


async def test_D_15_a_colon_is_part_of_a_name(platform: Platform, ns: str) -> None:
    for space, id in ((f"{ns}:a", "b:c"), (f"{ns}:a:b", "c"), (ns, "a:b:c")):
        await platform.result("DB", "upsert", {"ns": space, "id": id, "type": "x"})
        assert ids(await platform.result("DB", "list", space)) == [id]
    edge = {"type": "t:u", "fromNs": f"{ns}:a", "fromId": "b", "toNs": ns, "toId": "x"}
    other = {"type": "t:u", "fromNs": ns, "fromId": "a:b", "toNs": ns, "toId": "x"}
    first, second = [await platform.result("DB", "upsertRelationship", {**one, "ns": ns}) for one in (edge, other)]
    assert first["id"] != second["id"], "edges whose parts only join to the same text are two"


@pytest.mark.parametrize("wild", ["%", "_", "test%", "test_%"])
async def test_D_16_a_namespace_is_no_pattern(platform: Platform, ns: str, wild: str) -> None:
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x"})
    await platform.result("DB", "upsert", {"ns": f"{ns}:sub", "id": "b", "type": "x"})
    assert ids(await platform.result("DB", "list", ns)) == ["a"]
    assert ids(await platform.result("DB", "list", wild)) == []
    assert ids(await platform.result("DB", "list", f"{ns[:-1]}{wild}")) == []


async def test_D_20_an_edge_is_deleted_and_only_it(platform: Platform, user: httpx.AsyncClient, ns: str) -> None:
    for id in ("a", "b", "undefined"):
        edge = {"ns": ns, "id": id, "type": "next", "fromNs": ns, "fromId": "x", "toNs": ns, "toId": id}
        await platform.result("DB", "upsertRelationship", edge)
    assert (await user.delete(f"/db/relationships/{ns}/a")).json()["id"] == "a"
    problem(await user.delete(f"/db/relationships/{ns}/a"), 404, "NOT_FOUND")
    assert await platform.result("DB", "deleteRelationship", ns, "a") is None
    assert platform.rows("select id from relationships where ns = %s order by id", ns) == [("b",), ("undefined",)]


async def test_D_21_edges_are_filtered_by_type(platform: Platform, user: httpx.AsyncClient, ns: str) -> None:
    for type_ in ("author", "tag"):
        edge = {"type": type_, "fromNs": ns, "fromId": "x", "toNs": ns, "toId": type_}
        await platform.result("DB", "upsertRelationship", edge)
    for address in (f"/db/things/{ns}/x/relationships?type=tag", f"/db/relationships?ns={ns}&type=tag"):
        assert [edge["type"] for edge in (await user.get(address)).json()["data"]] == ["tag"]
    problem(await user.get(f"/db/things/{ns}/x/relationships?predicate=tag"), 400, "INVALID_ARGUMENT")


async def test_D_22_a_column_that_is_none_is_refused(platform: Platform, ns: str) -> None:
    row = {"request_id": "r", "route": ns, "method": "GET", "status": 200, "duration_ms": 2.5}
    for wrong in ({**row, "userId": "u"}, {**row, "latency": 1}, {**row, "status": "fine"}):
        answer = await platform.call("DB", "ingest", "api_requests", [row, wrong])
        assert "INVALID_ARGUMENT" in answer["error"]["message"]
    sql = "select count() as n from api_requests where route = {route:String}"
    assert (await platform.result("DB", "clickhouse", sql, {"route": ns}))["data"] == [{"n": 0}]
    await platform.result("DB", "ingest", "api_requests", [{**row, "user_id": "u"}])
    sql = "select status, duration_ms, user_id from api_requests where route = {route:String}"
    read = await platform.result("DB", "clickhouse", sql, {"route": ns})
    assert read["data"] == [{"status": 200, "duration_ms": 2.5, "user_id": "u"}]


async def test_D_26_every_definition_of_the_analytics_database_was_made(platform: Platform) -> None:
    text = "\n".join(file.read_text() for file in (ROOT / "db" / "clickhouse").glob("*.sql"))
    defined = set(re.findall(r"^create (?:table|materialized view|view) (?:if not exists )?(\w+)", text, re.M | re.I))
    read = await platform.result(
        "DB", "clickhouse", "select name from system.tables where database = currentDatabase()"
    )
    assert len(defined) > 3
    assert defined <= {row["name"] for row in read["data"]}


def test_D_27_every_statement_of_every_migration_was_run(platform: Platform) -> None:
    files = sorted((ROOT / "db" / "migrations").glob("*.sql"))
    text = "\n".join(file.read_text() for file in files)
    defined = set(re.findall(r"^create (?:table|index|unique index) (\w+)", text, re.M))
    made = {
        name for (name,) in platform.rows("select relname from pg_class where relnamespace = 'public'::regnamespace")
    }
    assert len(defined) > 20
    assert defined <= made
    applied = {name for (name,) in platform.rows("select name from schema_migrations")}
    assert applied == {file.stem.partition("_")[2] for file in files}


async def test_D_32_what_is_searched_and_counted_is_there(platform: Platform, ns: str) -> None:
    thing = {"ns": ns, "id": "a", "type": f"{ns}-type", "content": "fox", "embedding": along(1.0)}
    await platform.result("DB", "upsert", thing)
    assert ids(await platform.result("DB", "vectorSearch", along(1.0), {"ns": ns})) == ["a"]
    assert ids(await platform.result("DB", "search", "fox", along(1.0), {"ns": ns, "mode": "hybrid"})) == ["a"]
    assert await platform.result("DB", "typeDistribution", ns) == [{"type": f"{ns}-type", "count": 1}]
    stats = await platform.result("DB", "stats")
    assert stats["totals"]["things"] >= 1
    assert stats["totals"]["thingsWithEmbeddings"] >= 1


async def test_D_33_a_write_that_is_answered_has_happened(platform: Platform, ns: str) -> None:
    for number in range(1, 6):
        await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x", "data": {"n": number}})
        assert platform.rows("select data, version from things where ns = %s", ns) == [({"n": number}, number)]
    refused = await platform.call("DB", "upsert", {"ns": ns, "id": "a", "type": "x"}, {"ifVersion": 1})
    assert "VERSION_MISMATCH" in refused["error"]["message"]


async def test_D_37_a_column_of_json_is_read_by_its_paths(platform: Platform, ns: str) -> None:
    event = {"type": "d37", "id": ns, "data": {"d37": {"b": 7, "text": "it's"}}}  # paths that no other event has
    await platform.result("DB", "ingest", "events", [event])
    sql = "select data.d37.b::Int64 as b, data.d37.text::String as text from events where id = {id:String}"
    assert (await platform.result("DB", "clickhouse", sql, {"id": ns}))["data"] == [{"b": 7, "text": "it's"}]
