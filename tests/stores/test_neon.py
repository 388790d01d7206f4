"""Neon's SQL over HTTP: its own driver passes against the local endpoint, and what that driver never sends is right too."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio

from scripts.stack.node import node
from scripts.stack.process import StartError, free_port
from scripts.stores.neon import Neon
from scripts.stores.postgres import Postgres

DRIVER = Path(__file__).with_name("neon_driver.mjs")
CHECKS = [name for name in re.findall(r'check\(["`](.+?)["`],', DRIVER.read_text()) if "${" not in name]
ISOLATION = [
    f"isolation level {level}" for level in ("ReadUncommitted", "ReadCommitted", "RepeatableRead", "Serializable")
]
RAW = {"Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Stores:
    postgres: Postgres
    neon: Neon
    http: httpx.AsyncClient

    async def post(self, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        account = {"Neon-Connection-String": self.postgres.url}
        return await self.http.post(self.neon.url, json=body, headers={**account, **(headers or {})})

    async def rows(self, query: str, params: list[Any] | None = None) -> list[list[str | None]]:
        answer = await self.post({"query": query, "params": params or []}, RAW)
        assert answer.status_code == 200, answer.text
        found: list[list[str | None]] = answer.json()["rows"]
        return found

    async def error(self, query: str, params: list[Any] | None = None, status: int = 400) -> dict[str, str | None]:
        answer = await self.post({"query": query, "params": params or []})
        assert answer.status_code == status, answer.text
        body: dict[str, str | None] = answer.json()
        return body

    def backends(self, condition: str) -> int:
        with psycopg.connect(self.postgres.url) as connection:
            count = connection.execute(f"select count(*) from pg_stat_activity where {condition}").fetchone()
        assert count is not None
        return int(count[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stores]:
    folder = tmp_path_factory.mktemp("neon")
    postgres = Postgres(folder / "pg", free_port(), folder / "pg.log", "p@ss/word")
    neon = Neon(free_port(), postgres.url, folder / "neon.log")
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        await asyncio.gather(postgres.start(), neon.start())
        yield Stores(postgres, neon, http)
        await neon.stop()
        await postgres.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def driver(stores: Stores) -> dict[str, str | None]:
    """What went wrong in each check of neon_driver.mjs; null where nothing did."""
    child = await asyncio.create_subprocess_exec(
        node(), DRIVER, stores.neon.url, stores.postgres.url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )  # fmt: skip
    output = (await child.communicate())[0].decode()
    assert child.returncode == 0, output
    checks = [json.loads(line) for line in output.splitlines()]
    return {check["name"]: check["problem"] for check in checks}


@pytest.mark.parametrize("check", CHECKS + ISOLATION)
async def test_neon_driver(check: str, driver: dict[str, str | None]) -> None:
    assert driver[check] is None, driver[check]


async def test_every_check_of_the_driver_is_reported(driver: dict[str, str | None]) -> None:
    assert sorted(driver) == sorted(CHECKS + ISOLATION)
    assert len(driver) >= 40


# Values, for clients that ask for JSON types


async def test_json_types_without_raw_text(stores: Stores) -> None:
    query = """select 1::int2 as small, 2::int4 as plain, 3::int8 as big, 1.5::float8 as real, 'NaN'::float4 as nan,
        true as yes, 1.10::numeric as exact, '{"a": [1, 1e400]}'::jsonb as document, null::int as nothing, 'x'::text as text"""
    answer = (await stores.post({"query": query})).json()
    assert answer["rowAsArray"] is False
    exact_big = "1" + "0" * 400
    assert answer["rows"] == [{
        "small": 1, "plain": 2, "big": "3", "real": 1.5, "nan": "NaN", "yes": True, "exact": "1.10",
        "document": {"a": [1, int(exact_big)]}, "nothing": None, "text": "x",
    }]  # fmt: skip


async def test_json_types_of_arrays(stores: Stores) -> None:
    query = """select array[1, null, 3] as i, array[['a,b', 'c"d'], ['{e}', 'NULL']] as t, '{}'::int[] as none,
        array[true, false] as b, array[10::int8] as big, '[2:3]={7,8}'::int[] as shifted, array['{"k": "v,\\""}'::jsonb] as j"""
    answer = (await stores.post({"query": query})).json()
    assert answer["rows"] == [{
        "i": [1, None, 3], "t": [["a,b", 'c"d'], ["{e}", "NULL"]], "none": [], "b": [True, False], "big": ["10"],
        "shifted": [7, 8], "j": [{"k": 'v,"'}],
    }]  # fmt: skip


@pytest.mark.parametrize("flag", ["True", "1", "false", ""])
async def test_only_the_literal_true_sets_a_flag(stores: Stores, flag: str) -> None:
    headers = {"Neon-Raw-Text-Output": flag, "Neon-Array-Mode": flag}
    assert (await stores.post({"query": "select 1 as x"}, headers)).json()["rows"] == [{"x": 1}]


async def test_each_flag_alone_and_a_query_s_own_array_mode(stores: Stores) -> None:
    one = {"query": "select 1 as x"}
    raw = await stores.post(one, {"Neon-Raw-Text-Output": "true"})
    assert raw.json()["rows"] == [{"x": "1"}]
    array = await stores.post(one, {"Neon-Array-Mode": "true"})
    assert array.json()["rows"] == [[1]]
    both = await stores.post({"queries": [{**one, "arrayMode": True}, one]})
    assert [(result["rows"], result["rowAsArray"]) for result in both.json()["results"]] == [
        ([[1]], True), ([{"x": 1}], False)
    ]  # fmt: skip


async def test_json_parameters(stores: Stores) -> None:
    params = [
        None,
        "text",
        12345678901234567890,
        1.5,
        True,
        {"k": ["é", None]},
        ["a,b", None, 'c"\\', {"x": 1}],
        [[1, 2], [3, 4]],
        [],
    ]
    casts = ("text", "text", "numeric", "float8", "bool", "jsonb", "text[]", "int[]", "int[]")
    query = "select " + ", ".join(f"${number}::{cast}" for number, cast in enumerate(casts, 1))
    assert await stores.rows(query, params) == [[
        None, "text", "12345678901234567890", "1.5", "t", '{"k": ["é", null]}', '{"a,b",NULL,"c\\"\\\\","{\\"x\\": 1}"}',
        "{{1,2},{3,4}}", "{}",
    ]]  # fmt: skip


@pytest.mark.parametrize("text", ["nul\0byte", "\ud800"])
async def test_text_that_postgresql_cannot_hold(stores: Stores, text: str) -> None:
    body = json.dumps({"query": "select $1::text", "params": [text]})
    headers = {"Neon-Connection-String": stores.postgres.url}
    answer = await stores.http.post(stores.neon.url, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "22021")


async def test_nul_does_not_cut_a_statement(stores: Stores) -> None:
    assert (await stores.error("select 1\0 where false"))["code"] == "22021"


# Requests that are not one


async def test_endless_and_too_large_answers(stores: Stores) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i, repeat('x', 1000) from n"
    assert "10485760 bytes" in str((await stores.error(endless, status=507))["message"])
    halves = [{"query": "create table too_large (x int)"}, *[{"query": "select repeat('x', 6000000)"}] * 2]
    assert (await stores.post({"queries": halves})).status_code == 507
    assert await stores.rows("select to_regclass('too_large')") == [[None]]
    assert await stores.rows("select length(repeat('x', 6000000))") == [["6000000"]]


async def test_too_large_request(stores: Stores) -> None:
    answer = await stores.post({"query": "select $1::text", "params": ["x" * 10 * 1024 * 1024]})
    assert answer.status_code == 413


MALFORMED = [
    "[", "[]", "{}", '{"query": 1}', '{"query": "select 1", "params": {}}', '{"queries": {}}', '{"queries": [1]}', "\xff",
    '{"query": "select $1::float8", "params": [NaN]}', '{"query": "select $1::float8", "params": [1e400]}', "[" * 99999,
]  # fmt: skip


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: body[:40])
async def test_malformed_requests(stores: Stores, body: str) -> None:
    headers = {"Neon-Connection-String": stores.postgres.url}
    answer = await stores.http.post(stores.neon.url, content=body.encode("latin-1"), headers=headers)
    assert answer.status_code == 400
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "url", [None, "", "mysql://a:b@h/d", "postgresql://host/db", "postgresql://[/", "postgresql://a%00:b@h/d"]
)
async def test_connection_strings_that_are_none(stores: Stores, url: str | None) -> None:
    headers = {} if url is None else {"Neon-Connection-String": url}
    answer = await stores.http.post(stores.neon.url, json={"query": "select 1"}, headers=headers)
    assert answer.status_code == 400
    assert "Neon-Connection-String" in answer.json()["message"]


async def test_only_post(stores: Stores) -> None:
    answer = await stores.http.get(stores.neon.url)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_unknown_isolation_level_runs_nothing(stores: Stores) -> None:
    batch = {"queries": [{"query": "create table never (x int)"}]}
    answer = await stores.post(batch, {"Neon-Batch-Isolation-Level": "serializable"})
    assert answer.status_code == 400
    assert await stores.rows("select to_regclass('never')") == [[None]]


async def test_too_many_parameters(stores: Stores) -> None:
    assert (await stores.error("select $1::int", [1] * 65536))["code"] == "54000"


async def test_copy_is_refused_and_blocks_nothing(stores: Stores) -> None:
    await stores.rows("create table copied (x int)")
    for direction in ("from stdin", "to stdout"):
        assert (await stores.error(f"copy copied {direction}"))["code"] == "0A000"
    assert await stores.rows("select count(*) from copied") == [["0"]]


async def test_empty_statement(stores: Stores) -> None:
    answer = (await stores.post({"query": "-- nothing"}, RAW)).json()
    assert (answer["command"], answer["rowCount"], answer["fields"], answer["rows"]) == ("", None, [], [])


# What a request leaves behind


async def test_session_state_does_not_outlive_a_request(stores: Stores) -> None:
    for query in (
        "set search_path = pg_catalog",
        "select set_config('my.secret', 'x', false)",
        "create temporary table left_over (x int)",
        "prepare left_over as select 1",
        "select pg_advisory_lock(42)",
        "listen left_over",
        "begin isolation level serializable",
        "set statement_timeout = 1",
    ):
        await stores.rows(query)
        await stores.error("select 1/0")
    shown = """select current_setting('search_path'), coalesce(current_setting('my.secret', true), ''),
        to_regclass('left_over'), (select count(*) from pg_prepared_statements), (select count(*) from pg_listening_channels()),
        current_setting('transaction_isolation')"""
    states = await asyncio.gather(*(stores.rows(shown) for _ in range(20)))
    assert states == [[['"$user", public', "", None, "0", "0", "read committed"]]] * 20
    async with asyncio.timeout(10):
        while await stores.rows("select from pg_locks where locktype = 'advisory'"):
            pass
    assert stores.backends("state like 'idle in transaction%'") == 0


async def test_connections_are_reused_and_bounded(stores: Stores) -> None:
    pids = await asyncio.gather(*(stores.rows("select pg_backend_pid(), pg_sleep(0.01)") for _ in range(100)))
    assert len({rows[0][0] for rows in pids}) <= 32


async def test_a_client_that_leaves_ends_its_statement(stores: Stores) -> None:
    running = "query like 'select pg_sleep(299)%' and state = 'active'"
    request = asyncio.create_task(stores.rows("select pg_sleep(299)"))
    async with asyncio.timeout(10):
        while not stores.backends(running):
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        while stores.backends(running):
            await asyncio.sleep(0)
    assert await stores.rows("select 1") == [["1"]]


async def test_a_changed_password_counts_for_new_accounts(stores: Stores) -> None:
    await stores.rows("create role short_lived login password 'old'")
    headers = {"Neon-Connection-String": "postgresql://short_lived:new@any.host/dotdo"}
    assert (await stores.post({"query": "select 1"}, headers)).json()["code"] == "28P01"
    await stores.rows("alter role short_lived password 'new'")
    assert (await stores.post({"query": "select current_user as me"}, headers)).json()["rows"] == [
        {"me": "short_lived"}
    ]


async def test_a_statement_whose_connection_dies_is_an_error(stores: Stores) -> None:
    lost = await stores.error("select pg_terminate_backend(pg_backend_pid())")
    assert lost["code"] == "57P01"
    assert await stores.rows("select 1") == [["1"]]


async def test_postgresql_stops_and_comes_back(stores: Stores) -> None:
    assert (await stores.http.get(stores.neon.url.replace("/sql", "/health"))).json() == {"status": "ok"}
    await stores.postgres.stop()
    try:
        down = await stores.error("select 1", status=500)
        assert (down["code"], down["message"]) == ("08006", "PostgreSQL cannot be reached")
        assert (await stores.http.get(stores.neon.url.replace("/sql", "/health"))).status_code == 503
    finally:
        await stores.postgres.start()
    assert await stores.rows("select 1") == [["1"]]


async def test_stopping_cancels_what_runs(stores: Stores, tmp_path: Path) -> None:
    second = Neon(free_port(), stores.postgres.url, tmp_path / "neon.log")
    await second.start()
    running = "query like 'select pg_sleep(298)%' and state = 'active'"
    body, headers = {"query": "select pg_sleep(298)"}, {"Neon-Connection-String": stores.postgres.url}
    request = asyncio.create_task(stores.http.post(second.url, json=body, headers=headers))
    async with asyncio.timeout(10):
        while not stores.backends(running):
            await asyncio.sleep(0)
        await second.stop()
        await asyncio.gather(request, return_exceptions=True)
        while stores.backends(running):
            await asyncio.sleep(0)


async def test_the_password_is_no_part_of_the_command(stores: Stores) -> None:
    assert stores.neon.child is not None
    assert not any("word" in argument for argument in stores.neon.child.command)


async def test_taken_port(stores: Stores, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"wanted by the Neon endpoint, is taken.*NEON_PORT"):
        await Neon(stores.neon.port, stores.postgres.url, tmp_path / "neon.log").start()
