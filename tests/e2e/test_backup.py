"""Backup and restore on the real runtime: 200 000 rows, what they cost in memory, and a runtime that dies in the middle."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import pytest_asyncio
from typer import Typer
from typer.testing import CliRunner

from schedule.domain.backup.manifest import FILE, folder
from scripts.migrations.postgres import migrate_postgres
from scripts.restore import main
from scripts.runtime.services import ROOT
from scripts.stack.process import free_port
from scripts.stores.neon import Neon
from scripts.stores.postgres import Postgres
from tests.e2e.platform import DATA, Platform
from tests.e2e.task_runs import Outcome, Runs

MIGRATIONS = ROOT / "db" / "migrations"
MIB = 1024 * 1024
WORKER_MIB = 128
"""What a Worker may use: https://developers.cloudflare.com/workers/platform/limits/#memory."""
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


@dataclass
class Bulk:
    """A database of its own behind the Workers BULK_DB and BULK_SCHEDULE, whose backups are in a bucket of their own."""

    platform: Platform
    server: Postgres
    runs: Runs

    def new_database(self, name: str) -> str:
        """Empty, migrated."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        url = self.server.url.removesuffix("dotdo") + name
        migrate_postgres(url, MIGRATIONS)
        return url

    async def keys(self, prefix: str = "postgres/") -> list[str]:
        async with httpx.AsyncClient(base_url=self.platform.storage_url, timeout=60) as client:
            found: list[str] = (await client.get("/", params={"prefix": prefix})).json()
            return found

    async def download(self, id: str, into: Path) -> Path:
        into.mkdir()
        async with httpx.AsyncClient(base_url=self.platform.storage_url, timeout=60) as client:
            for key in await self.keys(folder(id)):
                (into / key.rpartition("/")[2]).write_bytes((await client.get(f"/{key}")).content)
        return into


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bulk(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bulk]:
    place = tmp_path_factory.mktemp("bulk")
    password = json.loads((DATA / "secrets.json").read_text())["POSTGRES_PASSWORD"]  # what the Workers present
    server = Postgres(place / "pg", free_port(), place / "pg.log", password)
    neon = Neon(platform.proxies.bulk_neon, "", place / "neon.log")
    try:
        await server.start()
        neon.upstream_url = server.url
        await neon.start()
        await asyncio.to_thread(migrate_postgres, server.url, MIGRATIONS)
        with psycopg.connect(server.url) as connection:
            connection.execute("set statement_timeout = 0")
            for statement in FILL:
                connection.execute(statement)
        yield Bulk(platform, server, Runs(platform, "BULK_SCHEDULE", server.url))
    finally:
        await neon.stop()
        await server.stop()


class Watch:
    """The resident memory of the process that all Workers share, looked at all the while."""

    def __init__(self, platform: Platform) -> None:
        parts = psutil.Process(platform.pid).children(recursive=True)
        self._runtime = next(one for one in parts if one.name() == "workerd")
        self._ended = threading.Event()
        self.before: int = self._runtime.memory_info().rss
        self.most: int = self.before
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            self.most = max(self.most, int(self._runtime.memory_info().rss))

    @property
    def grown_mib(self) -> float:
        return (self.most - self.before) / MIB

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


async def back_up(bulk: Bulk) -> tuple[dict[str, Any], int]:
    """The result, and how many runs it took."""
    for number in range(1, 20):
        outcome: Outcome = await bulk.runs.of("backup-database")
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
    platform: Platform, bulk: Bulk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await platform.result("BULK_SCHEDULE", "health")  # both Workers have started
    await platform.result("BULK_DB", "stats")
    with Watch(platform) as watch:
        begun = time.perf_counter()
        result, runs = await back_up(bulk)
        seconds = time.perf_counter() - begun
    copied = await bulk.download(result["backup"], tmp_path / "backup")
    target = bulk.new_database("restored")
    begun = time.perf_counter()
    restored(copied, target)
    restoring = time.perf_counter() - begun
    before, after = digests(bulk.server.url), digests(target)
    assert before == after
    assert before["things"][0] + before["relationships"][0] + before["audit_log"][0] == 210_000
    files = list(copied.glob("*.gz"))
    with capsys.disabled():
        print(
            f"\nbackup of {result['rows']:,} rows, {result['bytes'] / MIB:.0f} MiB of lines in {len(files)} files of together"
            f" {sum(file.stat().st_size for file in files) / MIB:.0f} MiB: {seconds:.1f} s in {runs} run(s);"
            f" restored in {restoring:.1f} s.\nworkerd with all Workers: {watch.before / MIB:.0f} MiB before,"
            f" {watch.most / MIB:.0f} MiB at most, grown by {watch.grown_mib:.0f} MiB"
        )
    assert watch.grown_mib < WORKER_MIB


@pytest.mark.asyncio(loop_scope="module")
async def test_a_runtime_that_dies_leaves_no_backup_and_the_next_one_is_complete(
    platform: Platform, bulk: Bulk, tmp_path: Path
) -> None:
    there = set(await bulk.keys())
    task = asyncio.create_task(bulk.runs.of("backup-database"))
    while not (cut := {key for key in set(await bulk.keys()) - there if key.endswith(".gz")}):
        await asyncio.sleep(0.02)
    platform.kill_runtime()
    with contextlib.suppress(httpx.HTTPError, AssertionError):
        await task
    await platform.until_ready()
    (id,) = {key.split("/")[1] for key in cut}
    assert folder(id) + FILE not in await bulk.keys()
    result, _ = await back_up(bulk)
    keys = set(await bulk.keys(folder(result["backup"])))
    assert folder(result["backup"]) + FILE in keys
    copied = await bulk.download(result["backup"], tmp_path / "backup")
    manifest = json.loads((copied / FILE).read_text())
    named = {part["file"] for table in manifest["tables"] for part in table["parts"]}
    assert {key.rpartition("/")[2] for key in keys} == named | {FILE}
    target = bulk.new_database("after_the_crash")
    restored(copied, target)
    assert digests(target) == digests(bulk.server.url)


async def test_the_local_stacks_newest_backup_is_restored_by_name(platform: Platform, tmp_path: Path) -> None:
    runs = Runs(platform, "SCHEDULE", platform.postgres_url)
    try:
        result = (await runs.of("backup-database")).answer
    finally:
        runs.all_on()
    name = "restored_latest"
    with psycopg.connect(platform.postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    target = platform.postgres_url.removesuffix("dotdo") + name
    migrate_postgres(target, MIGRATIONS)
    told = restored("latest", target, "--data", str(DATA))
    assert result["backup"] in told
    with psycopg.connect(target) as connection:
        assert connection.execute("select role from users where id = 'usr_admin'").fetchall() == [("admin",)]
