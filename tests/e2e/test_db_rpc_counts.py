"""Health and counts by RPC from JavaScript."""

from tests.e2e.platform import Platform
from tests.e2e.rpc_calls import HOSTILE


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
