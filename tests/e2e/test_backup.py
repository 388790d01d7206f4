"""Backup and restore on the real runtime: 200 000 rows, what they cost in memory, and a runtime that dies in the middle."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import pytest_asyncio
import websockets
from typer import Typer
from typer.testing import CliRunner

from schedule.domain.backup.manifest import FILE, folder
from scripts.migrations.postgres import migrate_postgres
from scripts.restore import main
from scripts.runtime.services import ROOT
from scripts.stack.ports import free_ports
from scripts.stack.process import LOOPBACK, free_port
from scripts.stack.stack import Stack
from tests.e2e.fixtures import CALLER, in_javascript
from tests.e2e.platform import DATA, OFFICIAL_RUNTIME, Platform, Proxies
from tests.e2e.task_runs import Outcome, run_task

MIGRATIONS = ROOT / "db" / "migrations"
STORAGE = Path(__file__).with_name("storage.mjs")
MIB = 1024 * 1024
WORKER_MIB = 128
"""What a Worker may use: https://developers.cloudflare.com/workers/platform/limits/#memory."""
HEAP_MIB = 40
"""What JavaScript's heap gets of it here: without a limit V8 lets garbage lie for as long as there is memory. What lies outside
of the heap it collects by itself, each time that 64 MiB have come on top."""
FILL = (
    """
    insert into things (ns, id, type, content, data, embedding)
    select 'ns' || n % 100, n::text, 'note', repeat('Words of thing ' || n || '. ', 10),
        jsonb_build_object('n', n, 'text', md5(n::text), 'list', array[n, n + 1]),
        case when n % 100 = 0 then (select array_agg(sin(n + m))::vector from generate_series(1, 768) as m) end
    from generate_series(1, 120000) as n
    """,
    """
    insert into relationships (ns, id, type, from_ns, from_id, to_ns, to_id, data)
    select 'ns' || n % 100, n::text, 'likes', 'a', n::text, 'b', n::text, jsonb_build_object('since', n)
    from generate_series(1, 80000) as n
    """,
    "insert into audit_log (actor, action, details) select 'u', 'did', to_jsonb(n) from generate_series(1, 10000) as n",
)
# A digest of PostgreSQL's own, over every row's text.
DIGEST = "select count(*), sum(hashtextextended(t::text, 7)::numeric)::text from {} as t"


@dataclass(frozen=True, slots=True)
class Bulk:
    """A stack of its own, with many rows; no other test's rows are in its backups."""

    platform: Platform
    storage_url: str
    inspector_port: int
    data: Path

    def new_database(self, name: str) -> str:
        """Empty, migrated."""
        return new_database(self.platform.postgres_url, name)

    async def keys(self, prefix: str = "postgres/") -> list[str]:
        async with httpx.AsyncClient(base_url=self.storage_url, timeout=60) as client:
            found: list[str] = (await client.get("/", params={"prefix": prefix})).json()
            return found

    async def download(self, id: str, into: Path) -> Path:
        into.mkdir()
        async with httpx.AsyncClient(base_url=self.storage_url, timeout=60) as client:
            for key in await self.keys(folder("development", id)):
                (into / key.rpartition("/")[2]).write_bytes((await client.get(f"/{key}")).content)
        return into

    @property
    def runtime(self) -> psutil.Process:
        """The process that all Workers of this stack run in."""
        runtimes = (one for one in psutil.Process().children(recursive=True) if one.name() == "workerd")
        return next(one for one in runtimes if any(str(self.data) in word for word in one.parents()[0].cmdline()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bulk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bulk]:
    data, ports, inspector_port = tmp_path_factory.mktemp("bulk") / "stack", free_ports(), free_port()
    bound = {"DB": "db", "AUTH": "auth", "SCHEDULE": "schedule"}
    caller = in_javascript("caller", CALLER, services=bound, port=free_port())
    storage = in_javascript("storage", STORAGE, r2={"BUCKET": "dotdo-backups"}, port=free_port())
    stack = Stack(
        data, ports, official_runtime=OFFICIAL_RUNTIME, inspector_port=inspector_port,
        v8_flags=f"--max-old-space-size={HEAP_MIB}", extra_workers=[caller, storage],
    )  # fmt: skip
    info = await stack.start(fresh=True)
    try:
        with psycopg.connect(info["postgres_url"]) as connection:
            connection.execute("set statement_timeout = 0")
            for statement in FILL:
                connection.execute(statement)
        platform = Platform(
            info, f"http://{LOOPBACK}:{caller['port']}", "", Proxies(*(0 for _ in fields(Proxies))), ports
        )
        await platform.result("SCHEDULE", "initializeDefaultTasks")
        yield Bulk(platform, f"http://{LOOPBACK}:{storage['port']}", inspector_port, data)
    finally:
        await stack.stop()


def new_database(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    url = server_url.removesuffix("dotdo") + name
    migrate_postgres(url, MIGRATIONS)
    return url


class Memory:
    """MiB that an isolate holds, as V8 counts them: `heap` JavaScript's own, `outside` buffers, Python's memory among them.

    `most` has garbage in it that V8 has not collected yet, up to 64 MiB of it; `held` is the most that was there for as long as
    `WINDOW` measurements in a row: what a collection leaves.
    """

    WINDOW = 40  # of a twentieth of a second each

    def __init__(self, port: int, worker: str) -> None:
        self._port, self._worker = port, worker
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._seen: list[float] = []
        self.before = self.most = self.heap = self.outside = 0.0

    @property
    def held(self) -> float:
        windows = [self._seen[at : at + self.WINDOW] for at in range(0, len(self._seen), self.WINDOW)]
        return max(min(window) for window in windows)

    async def _measure(self, socket: Any) -> float:
        await socket.send(json.dumps({"id": 1, "method": "Runtime.getHeapUsage"}))
        while (answer := json.loads(await socket.recv())).get("id") != 1:
            pass
        heap = answer["result"]["usedSize"] / MIB
        outside = (answer["result"]["embedderHeapUsedSize"] + answer["result"]["backingStorageSize"]) / MIB
        self.heap, self.outside = max(self.heap, heap), max(self.outside, outside)
        return float(heap + outside)

    async def _watch(self, socket: Any) -> None:
        while not self._ended.is_set():
            self._seen.append(await self._measure(socket))
            self.most = max(self.most, self._seen[-1])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 0.05)

    async def __aenter__(self) -> "Memory":
        async with httpx.AsyncClient() as client:
            targets = (await client.get(f"http://{LOOPBACK}:{self._port}/json")).json()
        (address,) = (one["webSocketDebuggerUrl"] for one in targets if one["id"] == f"core:user:{self._worker}")
        self._socket = await websockets.connect(address, max_size=None)
        self.before = self.most = await self._measure(self._socket)
        self._task = asyncio.create_task(self._watch(self._socket))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        assert self._task is not None
        await self._task
        await self._socket.close()

    def __str__(self) -> str:
        parts = f"heap {self.heap:.0f}, outside of it {self.outside:.0f}"
        return f"{self.before:.0f} before, {self.held:.0f} held, {self.most:.0f} at most ({parts})"


async def back_up(bulk: Bulk) -> tuple[dict[str, Any], int]:
    """The result, and how many runs it took."""
    for number in range(1, 20):
        outcome: Outcome = await run_task(bulk.platform, "backup-database")
        if outcome.status == "succeeded":
            return outcome.answer, number
        assert "the backup is not finished" in str(outcome.error), outcome
    raise AssertionError("the backup comes to no end")


def restored(backup: str | Path, url: str, *options: str) -> str:
    app = Typer()
    app.command()(main)
    result = CliRunner().invoke(app, [str(backup), "--database-url", url, *options])
    assert result.exit_code == 0, result.output
    return result.output


def digests(url: str) -> dict[str, tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        connection.execute("set statement_timeout = 0")
        names = connection.execute("select tablename from pg_tables where schemaname = 'public' order by 1").fetchall()
        tables = [name for (name,) in names if name not in ("schema_migrations", "task_executions", "scheduled_tasks")]
        return {table: tuple(connection.execute(DIGEST.format(table)).fetchone() or ()) for table in tables}


@pytest.mark.asyncio(loop_scope="module")
async def test_two_hundred_thousand_rows_come_back(
    bulk: Bulk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await bulk.platform.result("SCHEDULE", "health")  # both Workers have started
    resident = bulk.runtime.memory_info().rss
    begun = time.perf_counter()
    async with Memory(bulk.inspector_port, "schedule") as schedule, Memory(bulk.inspector_port, "db") as db:
        result, runs = await back_up(bulk)
    seconds = time.perf_counter() - begun
    resident_after = bulk.runtime.memory_info().rss
    copied = await bulk.download(result["backup"], tmp_path / "backup")
    target = bulk.new_database("restored")
    begun = time.perf_counter()
    restored(copied, target)
    restoring = time.perf_counter() - begun
    before, after = digests(bulk.platform.postgres_url), digests(target)
    assert before == after
    assert before["things"][0] + before["relationships"][0] + before["audit_log"][0] >= 210_000
    files = list(copied.glob("*.gz"))
    with capsys.disabled():
        print(
            f"\nbackup of {result['rows']:,} rows, {result['bytes'] / MIB:.0f} MiB of lines in {len(files)} files of together"
            f" {sum(file.stat().st_size for file in files) / MIB:.0f} MiB: {seconds:.1f} s in {runs} run(s);"
            f" restored in {restoring:.1f} s.\nMiB of schedule: {schedule}; of db: {db}; of the process with all Workers:"
            f" {resident / MIB:.0f} before, {resident_after / MIB:.0f} afterwards"
        )
    assert max(schedule.held, db.held) < WORKER_MIB


@pytest.mark.asyncio(loop_scope="module")
async def test_a_runtime_that_dies_leaves_no_backup_and_the_next_one_is_complete(bulk: Bulk, tmp_path: Path) -> None:
    there, before = set(await bulk.keys()), digests(bulk.platform.postgres_url)
    task = asyncio.create_task(run_task(bulk.platform, "backup-database"))
    while not (cut := {key for key in set(await bulk.keys()) - there if key.endswith(".gz")}):
        assert not task.done(), "it ended before it was cut"
        await asyncio.sleep(0.02)
    bulk.runtime.kill()
    with contextlib.suppress(httpx.HTTPError, AssertionError):
        await task
    await bulk.platform.until_ready()
    (id,) = {key.split("/")[2] for key in cut}
    assert folder("development", id) + FILE not in await bulk.keys()
    ((run_id,),) = bulk.platform.rows(
        "update task_executions set lease_expires_at = now() - interval '1 s' where status = 'running' returning run_id"
    )
    await bulk.platform.result("SCHEDULE", "tick", "*/5 * * * *", int(time.time() * 1000))
    _, attempt = bulk.platform.rows(
        "select status, attempt, result from task_executions where run_id = %s order by attempt", run_id
    )
    assert attempt[:2] == ("succeeded", 2), attempt
    result = attempt[2]
    keys = set(await bulk.keys(folder("development", result["backup"])))
    assert folder("development", result["backup"]) + FILE in keys
    copied = await bulk.download(result["backup"], tmp_path / "backup")
    manifest = json.loads((copied / FILE).read_text())
    named = {part["file"] for table in manifest["tables"] for part in table["parts"]}
    assert {key.rpartition("/")[2] for key in keys} == named | {FILE}
    target = bulk.new_database("after_the_crash")
    restored(copied, target)
    assert digests(target) == before  # of the instant before it was cut: the event has run other tasks, too


async def test_the_local_stacks_newest_backup_is_restored_by_name(platform: Platform, tmp_path: Path) -> None:
    result = (await run_task(platform, "backup-database")).answer
    target = new_database(platform.postgres_url, "restored_latest")
    told = restored("latest", target, "--data", str(DATA))
    assert result["backup"] in told
    with psycopg.connect(target) as connection:
        assert connection.execute("select role from users where id = 'usr_admin'").fetchall() == [("admin",)]
