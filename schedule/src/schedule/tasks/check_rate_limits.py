"""Finds API keys that are close to their allowance, before their owners see a 429."""

from typing import Any

from dotdo.errors import ServiceError
from dotdo.instants import rfc3339
from dotdo.rate_limits.policies import WINDOW_S, policies
from schedule.domain.registry import Skipped, TaskContext, TaskResult

NEAR = 0.9
HOUR_S = 3600
WINDOWS = HOUR_S // WINDOW_S
"""An allowance is so many requests a window; the hourly one is that many windows of it."""
KEYS = 10_000
"""The busiest ones that are looked at."""
LISTED = 100

# A key may have one request a window, so that below this many an hour none can be near its allowance.
_FEWEST = int(NEAR * WINDOWS)

_BUSIEST = """
select key_id, count() as requests from api_requests
where time >= {since:DateTime64(3, 'UTC')} and time < {until:DateTime64(3, 'UTC')} and key_id != ''
group by key_id having requests > {fewest:UInt64} order by requests desc, key_id limit {keys:UInt32}
"""
_LIMITS = "select id, rate_limit from api_keys where id = any($1::text[])"


async def run(context: TaskContext) -> TaskResult:
    """`{near, keys: [{key_id, requests, allowance, share}]}`, the fullest first and `LISTED` of them; all are logged."""
    counts = await _counts(context)
    near = sorted(await _near(context, counts), key=lambda row: (-row["share"], row["key_id"]))
    for row in near:
        context.log.warn("rate_limit.near", **row)
    return {"near": len(near), "keys": near[:LISTED]}


async def _counts(context: TaskContext) -> dict[str, int]:
    """Requests of the last hour by key. Raises Skipped where there is no ClickHouse to count them in."""
    asked = {
        "since": _clickhouse_instant(context.now_s - HOUR_S),
        "until": _clickhouse_instant(context.now_s),
        "fewest": _FEWEST,
        "keys": KEYS,
    }
    try:
        answer = await context.bindings.peer("DB").call("clickhouse", _BUSIEST, asked)
    except ServiceError as error:
        if error.code == "NOT_CONFIGURED":
            raise Skipped("requests are counted in ClickHouse, which is not configured") from error
        raise
    return {row["key_id"]: row["requests"] for row in answer["data"]}


async def _near(context: TaskContext, counts: dict[str, int]) -> list[dict[str, Any]]:
    default = policies(context.bindings.optional("RATE_LIMITS"))["default"].limit
    rows = await context.sql.rows(_LIMITS, list(counts), repeatable=True) if counts else []
    own = {row["id"]: row["rate_limit"] for row in rows}
    allowances = {key_id: (own.get(key_id) or default) * WINDOWS for key_id in counts}
    return [
        {"key_id": key_id, "requests": requests, "allowance": allowances[key_id],
         "share": round(requests / allowances[key_id], 3)}
        for key_id, requests in counts.items()
        if requests > NEAR * allowances[key_id]
    ]  # fmt: skip


def _clickhouse_instant(epoch_s: float) -> str:
    return rfc3339(epoch_s).replace("T", " ").removesuffix("Z")
