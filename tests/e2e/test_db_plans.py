"""No documented query reads a whole big table: each is made by the service's own code and explained at 100 000 rows."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import psycopg
import pytest

from db.domain.embeddings import Embeddings
from db.domain.relationships import Relationships
from db.domain.search import Search
from db.domain.statistics import Statistics
from db.domain.things import Things
from dotdo.contracts.db import models as m
from dotdo.errors import ServiceError
from tests.e2e.plans import BIG, Explained, read_whole, touched
from tests.e2e.platform import Platform

ROWS = 101_000
"""Above 100 000, where totals become the planner's."""
NS, HUB, LEAF = "plans-0", "2", "4"
COUNTED = {"count", "count of a type", "types of a namespace"}
"""Exact to the row, so that each row of the namespace counts; in an index, not in the table."""
FEW = 5_000
"""Rows that a query may look at: a twentieth of the table."""
FAR = [1.0, 0.5, *[0.0] * 766]
EDGE = m.RelationshipInput(type="next", from_ns=NS, from_id="1", to_ns=NS, to_id="2")

# Half of everything is in one namespace, which no page may read whole. Every hundredth thing has an embedding.
_THINGS = f"""
insert into things (ns, id, type, content, visibility, embedding, created_at)
select 'plans-' || n % 2 * n % 50, n::text, 'type-' || n % 20, 'word' || n % 5000 || ' of ' || n,
    (array['public', 'public', 'private', 'unlisted'])[1 + n / 7 % 4],
    case when n % 100 = 0 then (array[1 + n % 7, n % 13] || array_fill(0, array[766]))::real[]::vector end,
    now() - make_interval(secs => n)
from generate_series(1, {ROWS}) as n
"""
# A tenth of the edges start at one thing and a tenth end there.
_EDGES = f"""
insert into relationships (ns, id, type, from_ns, from_id, to_ns, to_id, visibility, created_at)
select 'plans-' || n % 2 * n % 50, n::text, 'type-' || n % 5,
    '{NS}', case when n % 10 = 0 then '{HUB}' else n::text end,
    '{NS}', case when n % 10 = 5 then '{HUB}' else (n * 7 % {ROWS})::text end,
    (array['public', 'private'])[1 + n / 7 % 2], now() - make_interval(secs => n)
from generate_series(1, {ROWS}) as n
"""


@pytest.fixture(scope="module")
def full(platform: Platform) -> Iterator[str]:
    """The database's address while both tables are big."""
    with psycopg.connect(platform.postgres_url, autocommit=True) as connection:
        connection.execute("set statement_timeout = '10min'")
        connection.execute(_THINGS)
        connection.execute(_EDGES)
        connection.execute("vacuum analyze things")
        connection.execute("vacuum analyze relationships")
        yield platform.postgres_url
        for table in BIG:
            connection.execute(f"delete from {table} where ns like 'plans-%'")
            connection.execute(f"vacuum analyze {table}")


Ask = Callable[[Any], Awaitable[Any]]


def listing(**options: Any) -> Ask:
    chosen = m.ListOptions.model_validate(options, by_name=True)
    return lambda sql: Things(sql).page(NS, chosen, camel=False)


def edges(direction: Any, *, sees_private: bool = True, **options: Any) -> Ask:
    chosen = m.EdgeOptions(**options)
    return lambda sql: Relationships(sql).at(NS, HUB, direction, chosen, sees_private=sees_private, camel=False)


def traversing(direction: Any, types: list[str] | None, *, sees_private: bool = True) -> Ask:
    options = m.TraverseOptions(direction=direction, depth=3, types=types)
    return lambda sql: Relationships(sql).traverse(NS, LEAF, options, sees_private=sees_private)


def searching(query: str, embedding: list[float] | None, **options: Any) -> Ask:
    return lambda sql: Search(sql).search(query, embedding, m.SearchOptions(**options))


DOCUMENTED: dict[str, Ask] = {
    "get": lambda sql: Things(sql).get(NS, HUB),
    "upsert": lambda sql: Things(sql).upsert(m.ThingInput(ns=NS, id=HUB, type="x"), versions=[2], sees_private=True),
    "patch": lambda sql: Things(sql).patch(NS, HUB, m.ThingPatch(content="c"), sees_private=True),
    "delete": lambda sql: Things(sql).delete(NS, LEAF, sees_private=True),
    "count": lambda sql: Things(sql).count(NS, m.CountOptions()),
    "count of a type": lambda sql: Things(sql).count(NS, m.CountOptions(type="type-2", visibility="private")),
    **{
        f"list by {by} {order} {filters}": listing(order_by=by, order=order, **filters)
        for by in ("createdAt", "updatedAt", "id") for order in ("asc", "desc")
        for filters in ({}, {"type": "type-2"}, {"type": "type-1"}, {"visibility": "private"},
                        {"type": "type-2", "visibility": "public"})
    },
    "list deep": listing(offset=1000),
    "edges out": edges("out"), "edges out of a type": edges("out", type="type-2"),
    "public edges out": edges("out", sees_private=False),
    "edges in": edges("in"), "edges in of a type": edges("in", type="type-2"),
    "public edges in": edges("in", sees_private=False),
    "upsert as who sees no private things": lambda sql: Things(sql).upsert(
        m.ThingInput(ns=NS, id=HUB, type="x"), sees_private=False),
    "edge read": lambda sql: Relationships(sql).get(NS, HUB, sees_private=True),
    "edge read as who sees no private ones": lambda sql: Relationships(sql).get(NS, HUB, sees_private=False),
    "edge": lambda sql: Relationships(sql).upsert(EDGE, sees_private=True),
    "edge as who sees no private ones": lambda sql: Relationships(sql).upsert(EDGE, sees_private=False),
    "delete edge": lambda sql: Relationships(sql).delete(NS, HUB, sees_private=True),
    "delete edge as who sees no private ones": lambda sql: Relationships(sql).delete(NS, HUB, sees_private=False),
    "edges of a namespace": lambda sql: Relationships(sql).list_namespace(
        NS, m.RelationshipOptions(), sees_private=True, camel=False),
    "public edges of a namespace": lambda sql: Relationships(sql).list_namespace(
        NS, m.RelationshipOptions(), sees_private=False, camel=False),
    "edges of a type": lambda sql: Relationships(sql).list_namespace(
        NS, m.RelationshipOptions(type="type-2", visibility="public"), sees_private=True, camel=False),
    **{
        f"traverse {direction} {types}": traversing(direction, types)
        for direction in ("out", "in", "both") for types in (None, ["type-2"])
    },
    "public traverse": traversing("both", None, sees_private=False),
    "search by words": searching("word17", None), "search by words in one": searching("word17", None, ns=NS, type="type-2"),
    "search by meaning": searching("", FAR), "search by both": searching("word17", FAR),
    "search by both, public": searching("word17", FAR, visibility="public"),
    "without embedding": lambda sql: Embeddings(sql).missing(m.WithoutEmbeddingOptions(ns=NS)),
    "without embedding, any": lambda sql: Embeddings(sql).missing(m.WithoutEmbeddingOptions()),
    "stats": lambda sql: Statistics(sql).stats(), "types": lambda sql: Statistics(sql).types(None),
    "types of a namespace": lambda sql: Statistics(sql).types(NS),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_documented_query_reads_no_table_whole(full: str, name: str) -> None:
    with psycopg.connect(full) as connection:
        explained = Explained(connection)
        with contextlib.suppress(ServiceError, KeyError):  # what comes back is no row, where some expect one
            asyncio.run(_asked(DOCUMENTED[name], explained))
        connection.rollback()
    assert explained.plans or name in ("stats", "types"), "these two ask the planner's own tables"
    for sql, plan in explained.plans:
        assert (read_whole(plan), touched(plan) <= FEW or name in COUNTED) == ([], True), (
            f"{sql}\n{json.dumps(plan, indent=1)}"
        )


async def _asked(ask: Ask, sql: Explained) -> None:
    await ask(sql)


async def test_totals_of_big_tables_are_estimates_and_say_so(platform: Platform, full: str) -> None:
    totals = (await platform.result("DB", "stats"))["totals"]
    assert totals["estimated"] is True
    assert totals["things"] == pytest.approx(ROWS, rel=0.05)
    assert totals["relationships"] == pytest.approx(ROWS, rel=0.05)
    types = {row["type"]: row["count"] for row in await platform.result("DB", "typeDistribution")}
    assert types["type-2"] == pytest.approx(ROWS / 20, rel=0.2)
    exact = platform.rows("select type, count(*) from things where ns = %s group by 1", NS)
    assert {row["type"]: row["count"] for row in await platform.result("DB", "typeDistribution", NS)} == dict(exact)
