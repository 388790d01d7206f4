"""Keeps what the database holds now, and what the last full hour was like, in `analytics_snapshots`.

The hour before that is counted again, since a snapshot is taken before its last rows have arrived. Of routes and of types of
events the most frequent are kept, `MOST_NAMES` of each: types are the callers', who may use another one for every event.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dotdo.errors import ServiceError
from dotdo.instants import utc_text
from schedule.domain.registry import TaskContext, TaskResult
from schedule.tasks.batches import delete_older

HOUR = timedelta(hours=1)
KEPT = timedelta(days=400)
"""As long as ClickHouse keeps the hours themselves (db/clickhouse)."""

MOST_NAMES = 1000
"""Fewer than db answers at once."""

_REQUESTS = f"""
select route, countMerge(requests) as requests, countIfMerge(errors) as errors, uniqMerge(users) as users,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(durations) as quantiles
from api_requests_hourly where hour = {{hour:DateTime('UTC')}} group by route order by requests desc, route
limit {MOST_NAMES}
"""
_EVENTS = f"""
select type, countMerge(events) as events, uniqMerge(ids) as ids
from events_hourly where hour = {{hour:DateTime('UTC')}} group by type order by events desc, type
limit {MOST_NAMES}
"""

# The same hour again, as after a failed attempt, replaces its snapshot.
_STORE = """
insert into analytics_snapshots (taken_at, period, data) values ($1::timestamptz, 'hourly', $2::jsonb)
on conflict (taken_at) do update set data = excluded.data
"""
# What an isolate still held when that hour's snapshot was taken has arrived by now. How much there was of what stays as it was.
_COMPLETE = "update analytics_snapshots set data = data || $2::jsonb where taken_at = $1::timestamptz"
_DELETE = """
delete from analytics_snapshots where taken_at in (
    select taken_at from analytics_snapshots where taken_at < $1::timestamptz limit $2
)
"""


@dataclass(frozen=True, slots=True)
class _Hour:
    start: datetime

    @classmethod
    def before(cls, now_s: float) -> "_Hour":
        """The last hour that is over."""
        return cls(datetime.fromtimestamp(now_s, UTC).replace(minute=0, second=0, microsecond=0) - HOUR)

    @property
    def one_before(self) -> "_Hour":
        return _Hour(self.start - HOUR)

    @property
    def taken_at(self) -> str:
        return utc_text(self.start + HOUR)

    @property
    def parameter(self) -> dict[str, str]:
        return {"hour": f"{self.start:%Y-%m-%d %H:%M:%S}"}


async def run(context: TaskContext) -> TaskResult:
    """`{taken_at, things, requests, events, deleted}`: what the snapshot counts, and how many had their time.

    Requests and events are null without ClickHouse.
    """
    hour = _Hour.before(context.now_s)
    stats = await context.bindings.peer("DB").call("stats")
    traffic = await _traffic(context, hour)
    await context.sql.execute(_STORE, hour.taken_at, {"hour": utc_text(hour.start), "stats": stats, **traffic})
    if traffic["requests"] is not None:
        await context.sql.execute(_COMPLETE, hour.one_before.taken_at, await _traffic(context, hour.one_before))
    old = await delete_older(context, _DELETE, KEPT)
    return {
        "taken_at": hour.taken_at,
        "things": stats["totals"]["things"],
        **{name: None if rows is None else sum(row[name] for row in rows) for name, rows in traffic.items()},
        "deleted": old["deleted"],
    }


async def _traffic(context: TaskContext, hour: _Hour) -> dict[str, list[dict[str, Any]] | None]:
    """`{requests, events}` of that hour, by route and by type, the most frequent first."""
    requests, events = await _read(context, _REQUESTS, hour), await _read(context, _EVENTS, hour)
    return {"requests": _by_route(requests), "events": events}


async def _read(context: TaskContext, sql: str, hour: _Hour) -> list[dict[str, Any]] | None:
    """None where there is no ClickHouse: the platform runs without it."""
    try:
        answer = await context.bindings.peer("DB").call("clickhouse", sql, hour.parameter)
    except ServiceError as error:
        if error.code == "NOT_CONFIGURED":
            return None
        raise
    rows: list[dict[str, Any]] = answer["data"]
    return rows


def _by_route(rows: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """The quantiles by their names, in milliseconds."""
    if rows is None:
        return None
    named = []
    for row in rows:
        p50, p95, p99 = (round(value, 3) for value in row["quantiles"])
        plain = {name: value for name, value in row.items() if name != "quantiles"}
        named.append({**plain, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99})
    return named
