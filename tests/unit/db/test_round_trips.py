"""What each of db's methods costs: the number of requests it makes of the database."""

from typing import Any

import pytest

from tests.unit.db.test_access import thing
from tests.unit.db.test_pages import edge

VECTOR = [1.0] * 768
THING = {"ns": "n", "id": "i", "type": "t"}
EDGE = {"type": "t", "fromNs": "n", "fromId": "a", "toNs": "n", "toId": "b"}


@pytest.mark.parametrize(
    ("round_trips", "method", "params", "answer"),
    [
        (1, "get", ["n", "i"], thing()),
        (2, "get", ["n", "i", {"includeRelationships": True}], thing()),
        (1, "list", ["n"], None),
        (2, "list", ["n", {"count": "exact"}], None),
        (1, "upsert", [THING], thing()),
        (1, "upsert", [THING, {"ifVersion": 3}], thing()),
        (1, "patch", ["n", "i", {"type": "t"}], thing()),
        (1, "patch", ["n", "i", {"type": "t"}], None),
        (1, "patch", ["n", "i", {"type": "t"}, {"ifVersion": 3}], thing()),
        (2, "patch", ["n", "i", {"type": "t"}, {"ifVersion": 3}], None),
        (1, "delete", ["n", "i"], thing()),
        (1, "count", ["n"], None),
        (1, "batchUpsert", [[THING]], None),
        (1, "search", ["fox"], None),
        (1, "search", ["fox", VECTOR], None),
        (1, "vectorSearch", [VECTOR], None),
        (1, "getRelationships", ["n", "i"], None),
        (1, "getIncomingRelationships", ["n", "i"], None),
        (1, "upsertRelationship", [EDGE], edge("e")),
        (1, "deleteRelationship", ["n", "e"], edge("e")),
        (1, "listRelationships", ["n"], None),
        (1, "traverse", ["n", "i"], {"nodes": [], "edges": []}),
        (1, "query", ["select 1"], None),
        (1, "execute", ["select 1"], None),
        (1, "first", ["select 1"], None),
        (1, "typeDistribution", ["n"], None),
        (2, "typeDistribution", [], None),
        (4, "stats", [], {"things": 1, "relationships": 2}),
        (1, "getEntitiesWithoutEmbeddings", [], None),
        (1, "updateEmbeddings", [[{"ns": "n", "id": "i", "embedding": VECTOR, "model": "m"}]], None),
    ],
)
async def test_each_method_is_as_many_round_trips_as_it_says(
    endpoint: Any, rows: Any, round_trips: int, method: str, params: list[Any], answer: dict[str, Any] | None
) -> None:
    exact = {"things": 1, "relationships": 2, "things_with_embeddings": 3}
    database = endpoint(*([rows(answer)] if answer else []), *([rows(exact)] if method == "stats" else []))
    await database.rpc(method, *params)
    assert len(database.http.calls) == round_trips


async def test_a_write_with_a_key_is_two_round_trips_and_a_third_to_find_what_was_answered(
    endpoint: Any, rows: Any, refusal: Any
) -> None:
    options = {"idempotencyKey": "k"}
    database = endpoint(rows(), rows({"answer": [thing(version=1)]}))
    assert (await database.rpc("upsert", THING, options))["version"] == 1
    assert len(database.http.calls) == 2
    fingerprint = database.bodies[1]["params"][-1]
    again = endpoint(rows(), refusal("23505"), rows({"fingerprint": fingerprint, "answer": [thing(version=1)]}))
    assert (await again.rpc("upsert", THING, options))["version"] == 1
    assert len(again.http.calls) == 3
