"""PostgreSQL's plan of what the data layer asks, carried out and taken back."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg

from db.adapters.neon import Field, Rows

BIG = {"things", "relationships"}
PARTIAL = {"things_without_embedding"}
"""Indexes whose own condition is the query's: read without another one, they are what was asked for."""

Plan = dict[str, Any]


class Explained:
    """A `Sql` that explains what it is asked and answers with no rows; the plans stay behind.

    What asks the planner's own tables is carried out, since more is asked by what it answers.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.plans: list[tuple[str, Plan]] = []

    async def query(self, sql: str, params: Sequence[Any] = (), *, repeatable: bool = False) -> Rows:
        bound = [json.dumps(value) if isinstance(value, dict) else value for value in params]
        with psycopg.RawCursor(self._connection) as cursor:
            if "pg_class" in sql:
                found = cursor.execute(sql.encode(), bound).fetchall()
                return Rows([Field(one.name, one.type_code) for one in cursor.description or []], found, len(found))
            cursor.execute(f"explain (analyze, format json) {sql}".encode(), bound)
            (plans,) = cursor.fetchone() or ([{"Plan": {}}],)
        self.plans.append((sql, plans[0]["Plan"]))
        return Rows([], [], 0)


def _nodes(plan: Plan) -> list[Plan]:
    return [plan, *(node for inner in plan.get("Plans", []) for node in _nodes(inner))]


def read_whole(plan: Plan) -> list[str]:
    """The big tables this plan reads from end to end, by their rows or by an index without a condition."""
    return [node["Relation Name"] for node in _nodes(plan) if node.get("Relation Name") in BIG and _unbounded(node)]


def _unbounded(node: Plan) -> bool:
    if node["Node Type"] in ("Index Scan", "Index Only Scan"):
        return not node.keys() & {"Index Cond", "Order By"} and node["Index Name"] not in PARTIAL
    return bool(node["Node Type"] == "Seq Scan")


def touched(plan: Plan) -> int:
    """How many rows of the big tables were looked at, those that a filter threw away included."""
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return int(sum(
        sum(node.get(name, 0) for name in names) * node["Actual Loops"]
        for node in _nodes(plan) if node.get("Relation Name") in BIG and "Scan" in node["Node Type"]
    ))  # fmt: skip
