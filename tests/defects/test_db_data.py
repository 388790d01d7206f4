"""The known defects of what the data layer stores and finds, each shown to be absent; those at its edges: test_db.py."""

from typing import Any

import pytest

from tests.e2e.platform import Platform

HOSTILE = ["' or '1'='1", "\\'; drop table things; --", "$1", "{x:String}", "a\nb", "%", "_", "\\", "undefined"]


def along(*parts: float) -> list[float]:
    return [*parts, *[0.0] * (768 - len(parts))]


def ids(found: dict[str, Any]) -> list[str]:
    return sorted(thing["id"] for thing in found["data"])


async def test_D_3_every_function_of_things_and_edges_works(platform: Platform, ns: str) -> None:
    assert (await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x"}))["version"] == 1
    assert (await platform.result("DB", "get", ns, "a"))["id"] == "a"
    assert ids(await platform.result("DB", "list", ns)) == ["a"]
    assert await platform.result("DB", "count", ns) == 1
    edge = {"ns": ns, "id": "e", "type": "next", "fromNs": ns, "fromId": "a", "toNs": ns, "toId": "b"}
    assert (await platform.result("DB", "upsertRelationship", edge))["version"] == 1
    assert len((await platform.result("DB", "getRelationships", ns, "a"))["outgoing"]) == 1
    assert len((await platform.result("DB", "getIncomingRelationships", ns, "b"))["incoming"]) == 1
    assert ids(await platform.result("DB", "listRelationships", ns)) == ["e"]
    assert (await platform.result("DB", "deleteRelationship", ns, "e"))["id"] == "e"
    assert (await platform.result("DB", "delete", ns, "a"))["id"] == "a"
    assert await platform.result("DB", "get", ns, "a") is None


@pytest.mark.parametrize("value", HOSTILE)
async def test_D_4_parameters_are_bound(platform: Platform, value: str) -> None:
    assert (await platform.result("DB", "query", "select $1::text as v", [value]))["rows"] == [{"v": value}]
    assert await platform.result("DB", "first", "select $1::text as v", [value]) == {"v": value}


async def test_D_5_a_transaction_is_one(platform: Platform, ns: str) -> None:
    insert = {"sql": "insert into things (ns, id, type) values ($1, 'a', 'x')", "params": [ns]}
    failed = await platform.call("DB", "transaction", [insert, insert])
    assert "CONFLICT: statement 1" in failed["error"]["message"]
    assert await platform.result("DB", "count", ns) == 0
    assert (await platform.result("DB", "transaction", [insert]))["success"] is True
    assert await platform.result("DB", "count", ns) == 1


async def test_D_6_the_time_of_creation_stays(platform: Platform, ns: str) -> None:
    thing = {"ns": ns, "id": "a", "type": "x"}
    edge = {"ns": ns, "id": "a", "type": "x", "fromNs": ns, "fromId": "a", "toNs": ns, "toId": "b"}
    for method, value in (("upsert", thing), ("upsertRelationship", edge)):
        first = await platform.result("DB", method, value)
        again = await platform.result("DB", method, value)
        assert again["createdAt"] == first["createdAt"]
        assert (first["version"], again["version"]) == (1, 2)
    await platform.result("DB", "batchUpsert", [thing])
    for table in ("things", "relationships"):
        assert platform.rows(f"select updated_at > created_at from {table} where ns = %s", ns) == [(True,)]


async def test_D_7_filters_add_up(platform: Platform, ns: str) -> None:
    for type_ in ("note", "page"):
        for visibility in ("public", "private"):
            thing = {"ns": ns, "id": f"{type_}-{visibility}", "type": type_, "visibility": visibility, "content": "fox"}
            await platform.result("DB", "upsert", thing)
    both = {"type": "note", "visibility": "private"}
    assert ids(await platform.result("DB", "list", ns, both)) == ["note-private"]
    assert await platform.result("DB", "count", ns, both) == 1
    assert ids(await platform.result("DB", "search", "fox", None, {"ns": ns, **both})) == ["note-private"]
    assert ids(await platform.result("DB", "search", "dog", None, {"ns": ns, **both})) == []


@pytest.mark.parametrize("query", ["quick brown", "fox & | ! ( :*", "it's a fox:*", '"quick brown"', "fox OR dog"])
async def test_D_8_people_write_queries_as_they_please(platform: Platform, ns: str, query: str) -> None:
    content = "it's a quick brown fox"
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x", "content": content})
    assert ids(await platform.result("DB", "search", query, None, {"ns": ns})) == ["a"]


async def test_D_9_a_threshold_of_zero_is_one_and_dimensions_are_checked(platform: Platform, ns: str) -> None:
    for id, vector in (("near", along(1.0)), ("across", along(0.0, 1.0)), ("away", along(-1.0))):
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": "x", "embedding": vector})
    for threshold, expected in ((0.5, ["near"]), (0, ["across", "near"]), (-1, ["across", "away", "near"])):
        found = await platform.result("DB", "vectorSearch", along(1.0), {"ns": ns, "threshold": threshold})
        assert ids(found) == expected
    answer = await platform.call("DB", "vectorSearch", [1.0] * 767)
    assert "INVALID_ARGUMENT: embedding" in answer["error"]["message"]


@pytest.mark.parametrize("value", HOSTILE)
async def test_D_11_nothing_of_a_value_reaches_a_statement(platform: Platform, ns: str, value: str) -> None:
    ns = f"{ns}{value}"
    thing = {"ns": ns, "id": value, "type": value, "content": value, "code": value, "data": {value: value}}
    stored = await platform.result("DB", "upsert", thing)
    assert {name: stored[name] for name in thing} == thing
    assert ids(await platform.result("DB", "list", ns, {"type": value})) == [value]
    event = {"type": value, "id": ns, "source": value, "data": {"v": value}}
    await platform.result("DB", "ingest", "events", [event])
    read = await platform.result(
        "DB", "clickhouse", "select type, source from events where id = {id:String}", {"id": ns}
    )
    assert read["data"] == [{"type": value, "source": value}]


async def test_D_12_each_embedding_keeps_its_own_model(platform: Platform, ns: str) -> None:
    for id in ("a", "b"):
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": "x"})
    made = [{"ns": ns, "id": id, "embedding": along(1.0), "model": f"model-{id}"} for id in ("a", "b")]
    assert await platform.result("DB", "updateEmbeddings", made) == {"updated": 2}
    stored = platform.rows("select id, embedding_model from things where ns = %s order by id", ns)
    assert stored == [("a", "model-a"), ("b", "model-b")]


async def test_D_13_a_write_of_something_else_leaves_the_embedding(platform: Platform, ns: str) -> None:
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x", "embedding": along(1.0)})
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "y"})
    await platform.result("DB", "batchUpsert", [{"ns": ns, "id": "a", "type": "z"}])
    await platform.result("DB", "patch", ns, "a", {"content": "c"})
    thing = await platform.result("DB", "get", ns, "a", {"includeEmbedding": True})
    assert (thing["type"], thing["content"], thing["embedding"]) == ("z", "c", along(1.0))


async def test_D_14_a_thing_written_thrice_is_one_thing(platform: Platform, ns: str) -> None:
    for content in ("one fox", "two fox", "three fox"):
        await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x", "content": content})
    page = await platform.result("DB", "list", ns, {"count": "exact"})
    assert (ids(page), page["pagination"]["total"]) == (["a"], 1)
    assert ids(await platform.result("DB", "search", "fox", None, {"ns": ns})) == ["a"]
    assert await platform.result("DB", "count", ns) == 1
