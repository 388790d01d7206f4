"""What the stores hold in the end, read past the Workers, against what was acknowledged. Each finding is one line."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import clickhouse_connect
import psycopg

from scripts.soak.book import FORBIDDEN_NS, NS, Book, content

FREQUENT = "health-check-services"
"""The task that is due at every instant the load uses."""


def things(connection: psycopg.Connection[Any], book: Book) -> Iterator[str]:
    rows = connection.execute("select id, version, data from things where ns = %s", [NS]).fetchall()
    stored = {id: (version, data) for id, version, data in rows}
    for thing in book.things.values():
        found = stored.pop(thing.id, None)
        if found is None:
            if thing.known and not thing.gone:
                yield f"lost: {thing.id}, acknowledged in version {thing.known}"
            continue
        version, data = found
        if thing.gone and not thing.pending:
            yield f"{thing.id}: is there after its deletion"
        elif not thing.known <= version <= thing.tried:
            yield f"{thing.id}: version {version}, acknowledged {thing.known}, sent {thing.tried}"
        elif data != content(thing.id, version)["data"]:
            yield f"{thing.id}: version {version} holds {data}"
    yield from (f"{id}: nobody wrote it" for id in stored)
    (forbidden,) = connection.execute("select count(*) from things where ns = %s", [FORBIDDEN_NS]).fetchall()
    if forbidden[0]:
        yield f"{forbidden[0]} things of callers who may not write"


def edges(connection: psycopg.Connection[Any], book: Book) -> Iterator[str]:
    rows = connection.execute("select from_id, to_id from relationships where ns = %s", [NS]).fetchall()
    counts = Counter((start, end) for start, end in rows)
    for ends, acknowledged in book.edges.items():
        if acknowledged and counts[ends] != 1:
            yield f"edge {ends}: there {counts[ends]} times"
    yield from (f"edge {ends}: nobody wrote it" for ends in counts if ends not in book.edges)


def credentials(connection: psycopg.Connection[Any], book: Book) -> Iterator[str]:
    for table, known in (("api_keys", book.keys), ("sessions", book.sessions)):
        rows = connection.execute(f"select id, revoked_at is not null from {table}").fetchall()
        stored: dict[str, bool] = dict(rows)
        for id, revoked in known.items():
            if id not in stored:
                yield f"lost: {table} {id}"
            elif revoked and not stored[id]:
                yield f"lost: the revocation of {table} {id}"


def events(stored: Sequence[str], book: Book) -> Iterator[str]:
    counts = Counter(stored)
    for id, acknowledged in book.events.items():
        if counts[id] > 1:
            yield f"event {id}: there {counts[id]} times"
        elif acknowledged and not counts[id]:
            yield f"lost: event {id}"
    yield from (f"event {id}: nobody wrote it" for id in counts if id not in book.events)


def stored_events(url: str, username: str, password: str, database: str) -> list[str]:
    host, _, port = url.removeprefix("http://").partition(":")
    client = clickhouse_connect.get_client(
        host=host, port=int(port), username=username, password=password, database=database
    )
    try:
        rows = client.query("select id from events where type = 'soak.event'").result_rows
    finally:
        client.close()
    return [str(id) for (id,) in rows]


def runs(connection: psycopg.Connection[Any], acknowledged_s: Sequence[int]) -> Iterator[str]:
    """Of every acknowledged instant there is one run, and no run was carried through twice."""
    sql = "select run_id, task, scheduled_at, status, attempt from task_executions"
    succeeded: Counter[str] = Counter()
    instants: set[int] = set()
    for run_id, task, scheduled_at, status, _ in connection.execute(sql).fetchall():
        succeeded[run_id] += status == "succeeded"
        at_s = int(scheduled_at.timestamp())
        if run_id != f"{task}@{at_s * 1000}":
            yield f"run {run_id}: of another instant, {scheduled_at}"
        if task == FREQUENT:
            instants.add(at_s)
    yield from (f"run {run_id}: carried through {times} times" for run_id, times in succeeded.items() if times > 1)
    for at_s in acknowledged_s:
        if at_s not in instants:
            yield f"lost: the run of {FREQUENT} at {datetime.fromtimestamp(at_s, UTC):%d %H:%M}"


def outcomes(connection: psycopg.Connection[Any]) -> dict[str, dict[str, int]]:
    """By task: how many attempts ended how."""
    found: dict[str, dict[str, int]] = {}
    sql = "select task, status, count(*) from task_executions group by task, status order by task, status"
    for task, status, count in connection.execute(sql).fetchall():
        found.setdefault(task, {})[status] = count
    return found


def overlaps(connection: psycopg.Connection[Any]) -> list[str]:
    """Attempts of one task that ran at the same time. What was skipped or missed did not run."""
    sql = """
    with ran as (select * from task_executions where status not in ('skipped', 'missed'))
    select a.run_id, a.attempt, b.run_id, b.attempt from ran a join ran b
    on a.task = b.task and (a.run_id, a.attempt) < (b.run_id, b.attempt)
    and a.started_at < b.finished_at and b.started_at < a.finished_at
    """
    rows = connection.execute(sql).fetchall()
    return [f"runs {one} ({first}) and {two} ({second}) at the same time" for one, first, two, second in rows]
