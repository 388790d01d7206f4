"""Cron events: one with nothing due, and one with eight tasks due that do nothing themselves."""

import json
from typing import Any

import psycopg

from scripts.bench.areas import Area, Info
from scripts.bench.figures import Time
from scripts.bench.load import Target
from scripts.bench.peers import Peers

CALLS = 10
STATEMENTS = 1 + 2 * 8
"""Of an event with eight runs: one to see what is due, and for each run a claim and its end."""

_EIGHT = """
insert into scheduled_tasks (name, schedule, handler)
select 'task-' || n, 'every 1 minute', 'nothing' from generate_series(1, 8) n
"""


async def schedule(info: Info, peers: Peers) -> Area:
    """The floor is one query by way of db."""
    with psycopg.connect(info["postgres_url"]) as connection:
        connection.execute("truncate scheduled_tasks, task_executions")
        connection.execute(_EIGHT)
    query = _query(peers, "db query of the tasks", "select * from scheduled_tasks order by name")
    idle = Target("tick, nothing due", f"{peers.url('ticks')}idle/{CALLS}", calls=CALLS, connections=1)
    due = Target("tick, eight due", f"{peers.url('ticks')}due/1", connections=1)
    return Area(
        targets=[query, due, idle],
        figures=[
            Time("schedule_idle_tick_vs_query", idle.name, query.name, at_most=2),
            Time("schedule_tick_of_eight_vs_query", due.name, query.name, at_most=2 * STATEMENTS),
        ],
    )


def _query(peers: Peers, name: str, sql: str) -> Target:
    params: list[Any] = [sql]
    body = json.dumps({"method": "query", "params": params}, separators=(",", ":"))
    return Target(name, f"{peers.url('caller-of-db')}{CALLS}", body=body, calls=CALLS, connections=1)
