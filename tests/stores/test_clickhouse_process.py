"""The server as a process: it starts, keeps its data, ends, and reaches nothing but its folder."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from scripts.stack.process import StartError, free_port
from scripts.stores.clickhouse import ClickHouse
from scripts.stores.clickhouse.confinement import confine
from scripts.stores.clickhouse.process import ROOT

PASSWORD = "secret"


def server(folder: Path, port: int = 0) -> ClickHouse:
    return ClickHouse(folder / "data", port or free_port(), folder / "clickhouse.log", PASSWORD)


async def query(at: ClickHouse, sql: str, **params: Any) -> str:
    async with httpx.AsyncClient(auth=(at.username, PASSWORD), timeout=20, trust_env=False) as http:
        answer = await http.post(at.url, content=sql, params={"database": at.database, **params})
    assert answer.status_code == 200, answer.text
    return answer.text


def own_process(at: ClickHouse) -> psutil.Process:
    """The server itself, below its guard."""
    assert at.child is not None
    assert at.child.process is not None
    (process,) = psutil.Process(at.child.process.pid).children()
    return process


async def test_data_survives_restarts_and_kill(tmp_path: Path) -> None:
    first = server(tmp_path)
    await first.start()
    await query(first, "create table t (a UInt64) engine = MergeTree order by a")
    await query(first, "create table default.t (a UInt64) engine = MergeTree order by a")
    await query(first, "insert into t values (1)")
    await first.stop()
    assert await first.wait() == 0

    second = server(tmp_path)
    await second.start()
    await query(second, "insert into t values (2)")
    await query(second, "insert into default.t values (3)")
    own_process(second).kill()
    assert await second.wait() != 0
    await second.stop()

    third = server(tmp_path)
    await third.start()
    assert (
        await query(third, "select a from (select a from t union all select a from default.t) order by a")
        == "1\n2\n3\n"
    )
    await third.stop()


async def test_a_stop_is_quick_and_cancels_what_runs(tmp_path: Path) -> None:
    at = server(tmp_path)
    await at.start()
    asking = [
        asyncio.create_task(query(at, sql, query_id=f"long {number}"))
        for number, sql in enumerate(
            (
                "select count() from numbers(1000000000000)",
                "select sleepEachRow(1) from numbers(100) settings max_block_size = 1",
            )
        )
    ]
    async with asyncio.timeout(10):
        while (
            int(await query(at, "select count() from system.processes where Settings['query_cache_tag'] like 'long%'"))
            < 2
        ):
            pass
    begun = time.monotonic()
    await at.stop()
    assert time.monotonic() - begun < 5
    for result in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(result, AssertionError | httpx.HTTPError)
    assert await at.wait() == 0
    assert not asyncio.all_tasks() - {asyncio.current_task()}


async def test_a_taken_port_and_a_taken_folder(tmp_path: Path) -> None:
    at = server(tmp_path)
    await at.start()
    with pytest.raises(StartError, match=rf"Port {at.port}, wanted by ClickHouse, is taken.*CLICKHOUSE_PORT"):
        await server(tmp_path / "other", at.port).start()
    second = ClickHouse(at.data_dir, free_port(), tmp_path / "second.log", PASSWORD)
    with pytest.raises(StartError, match=r"ClickHouse cannot open(?s:.*)Only one process can use the folder"):
        await second.start()
    assert await query(at, "select 1") == "1\n"
    await at.stop()


async def test_it_ends_when_its_guard_is_killed(tmp_path: Path) -> None:
    at = server(tmp_path)
    await at.start()
    process = own_process(at)
    psutil.Process(process.ppid()).kill()
    await at.wait()
    async with asyncio.timeout(10):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)
    again = server(tmp_path)
    await again.start()
    await again.stop()


async def test_it_ends_when_its_guard_is_killed_before_it_is_ready(tmp_path: Path) -> None:
    at = server(tmp_path)
    starting = asyncio.create_task(at.start())
    while at.child is None or at.child.process is None or not psutil.Process(at.child.process.pid).children():
        await asyncio.sleep(0.005)
    process = own_process(at)
    psutil.Process(process.ppid()).kill()
    with pytest.raises(StartError, match="ended with code"):
        await starting
    async with asyncio.timeout(10):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)


async def test_sigterm_is_a_clean_end(tmp_path: Path) -> None:
    at = server(tmp_path)
    await at.start()
    await query(at, "create table t (a UInt64) engine = MergeTree order by a")
    own_process(at).send_signal(signal.SIGTERM)
    assert await at.wait() == 0
    assert at.log.read_text() == ""


OUTSIDE = """
import sys
from pathlib import Path
from scripts.stores.clickhouse.confinement import confine
folder = Path(sys.argv[1])
print(confine(folder / "in", [Path("scripts")], Path(".")))
(folder / "in" / "new").write_text("x")
import json, scripts.stores.clickhouse.formats
for path, mode in ((folder / "out", "r"), (folder / "new", "w"), (Path("Makefile"), "r")):
    try:
        path.open(mode)
    except PermissionError:
        print("refused")
import socket
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    print("connected")
except PermissionError:
    print("refused")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock is Linux's")
async def test_the_kernel_keeps_it_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").write_text("secret")
    listener = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    command = [sys.executable, "-c", OUTSIDE, str(tmp_path), str(port)]
    run = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=True)
    listener.close()
    confined, *attempts = run.stdout.split()
    if confined == "False":
        pytest.skip("this kernel offers no Landlock")
    assert attempts[:3] == ["refused"] * 3
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(sys.platform.startswith("linux"), reason="there it works")
def test_elsewhere_nothing_is_confined(tmp_path: Path) -> None:
    assert confine(tmp_path, [], tmp_path) is False
    assert os.listdir("/")
