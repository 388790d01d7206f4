"""The embedded server: its data survives everything that can happen to a local run, and its errors say what to do."""

import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from scripts.stack.process import StartError, free_port
from scripts.stores import postgres
from scripts.stores.postgres import Postgres

PASSWORD = "p@ss:w/rd %'\""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Postgres]:
    """A server that has not been started."""
    made = beside(tmp_path)
    yield made
    await made.stop()


def beside(folder: Path, password: str = PASSWORD) -> Postgres:
    return Postgres(folder / "pg", free_port(), folder / "pg.log", password)


def query(server: Postgres, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        result = connection.execute(sql)
        return result.fetchall() if result.description else []


def server_pid(server: Postgres) -> int:
    return int((server.data_dir / "postmaster.pid").read_text().splitlines()[0])


async def test_first_start_makes_the_database_and_a_restart_keeps_it(server: Postgres, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    await server.start()
    assert query(server, "select current_user, current_database()") == [("dotdo", "dotdo")]
    assert query(server, "select current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]
    assert query(server, "select current_setting('server_version_num')::int / 10000") == [(18,)]
    query(server, "create extension vector")
    query(server, "create table kept as select '[1,2]'::vector as v")
    await server.stop()
    await server.start()
    assert query(server, "select v::text from kept") == [("[1,2]",)]
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


async def test_listens_on_loopback_alone_and_asks_for_the_password(server: Postgres) -> None:
    await server.start()
    assert query(server, "select current_setting('listen_addresses'), current_setting('unix_socket_directories')") == [
        ("127.0.0.1", "")
    ]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url, password="wrong")


async def test_kill_9_loses_no_commit(server: Postgres) -> None:
    await server.start()
    query(server, "create table kept (x int)")
    with psycopg.connect(server.url) as open_transaction:
        open_transaction.execute("insert into kept values (1)")
        query(server, "insert into kept values (2)")
        os.kill(server_pid(server), signal.SIGKILL)
        assert await server.wait() != 0
        with pytest.raises(psycopg.OperationalError):
            open_transaction.execute("select 1")
    await server.stop()
    await server.start()
    assert query(server, "select x from kept") == [(2,)]


async def test_an_interrupted_first_start_is_forgotten(server: Postgres, tmp_path: Path) -> None:
    half = tmp_path / ".pg.new" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    await server.start()
    assert query(server, "select 1") == [(1,)]
    assert not half.exists()


async def test_a_server_left_by_a_crash_is_ended(server: Postgres, tmp_path: Path) -> None:
    await server.start()
    query(server, "create table kept as select 1 as x")
    left = server_pid(server)
    assert server.child is not None
    assert server.child.process is not None
    server.child.process.kill()  # its guard, as if the machine had run out of memory
    await server.wait()
    again = Postgres(server.data_dir, server.port, tmp_path / "again.log", PASSWORD)
    await again.start()
    try:
        assert query(again, "select x from kept") == [(1,)]
        assert server_pid(again) != left
    finally:
        await again.stop()


async def test_a_server_that_another_stack_runs_is_left_alone(server: Postgres, tmp_path: Path) -> None:
    await server.start()
    with pytest.raises(StartError, match=f"already runs on .*process {server_pid(server)}"):
        await beside(tmp_path).start()
    assert query(server, "select 1") == [(1,)]


async def test_a_process_id_that_went_to_another_program_does_not_stop_the_start(server: Postgres) -> None:
    await server.start()
    await server.stop()
    (server.data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data_dir}\n")
    await server.start()
    assert query(server, "select 1") == [(1,)]


async def test_taken_port(server: Postgres) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        with pytest.raises(StartError, match=f"Port {server.port}, wanted by PostgreSQL, is taken.*POSTGRES_PORT"):
            await server.start()


async def test_another_password_than_the_data_has(server: Postgres, tmp_path: Path) -> None:
    await server.start()
    await server.stop()
    with pytest.raises(StartError, match="created with another password"):
        await beside(tmp_path, "another").start()
    await server.start()
    assert query(server, "select 1") == [(1,)]


async def test_a_folder_with_something_else_in_it_is_not_touched(server: Postgres) -> None:
    server.data_dir.mkdir()
    (server.data_dir / "photo.jpg").touch()
    with pytest.raises(StartError, match="holds files but no PostgreSQL data"):
        await server.start()
    assert (server.data_dir / "photo.jpg").exists()


async def test_bin_folder_without_programs(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN_DIR", str(tmp_path))
    with pytest.raises(StartError, match=r"no program postgres in .*PG_BIN_DIR"):
        await server.start()


async def test_a_failing_start_shows_the_log(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "max_connections", "many")
    with pytest.raises(StartError, match=r'ended with code 1.*(?s:.*)invalid value for parameter "max_connections"'):
        await server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs to become another user")
async def test_root_without_user_namespaces(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace = postgres.NAMESPACE
    monkeypatch.setattr(postgres, "NAMESPACE", ("false",))
    await server.start()
    query(server, "create table kept as select 1 as x")
    assert server.data_dir.stat().st_uid == postgres.NOBODY_UID
    assert Path(f"/proc/{server_pid(server)}").stat().st_uid == postgres.NOBODY_UID
    await server.stop()

    monkeypatch.setattr(postgres, "NAMESPACE", namespace)
    await server.start()
    assert query(server, "select x from kept") == [(1,)]
    assert server.data_dir.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs to become another user")
async def test_root_without_any_way_to_become_another_user(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "NAMESPACE", ("false",))
    monkeypatch.setattr(postgres, "NOBODY", ("no-such-program",))
    with pytest.raises(StartError, match="does not run as root"):
        await server.start()
