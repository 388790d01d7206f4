"""`POST /rpc`: the contract's methods for admins, raw SQL that writes nothing; and identities that are not the gateway's."""

import json
import time
from typing import Any

import httpx
import pytest

from dotdo.contracts.db import CONTRACT
from dotdo.identity import IDENTITY_HEADER, Identity, sign_identity
from dotdo.paging import encode_cursor
from tests.e2e.platform import DATA, Platform, problem

ADMIN = Identity("user", "u", "admin", permissions=("*",))


async def rpc(client: httpx.AsyncClient, method: Any, *params: Any) -> httpx.Response:
    return await client.post("/db/rpc", json={"method": method, "params": list(params)})


@pytest.mark.parametrize("method", sorted(method.name for method in CONTRACT.methods))
async def test_every_method_is_offered_but_two(admin: httpx.AsyncClient, method: str) -> None:
    """Too many parameters: what is offered says so, and does nothing."""
    answer = await rpc(admin, method, *[None] * 9)
    if method in ("transaction", "execute"):
        problem(answer, 403, "FORBIDDEN_METHOD")
    else:
        assert "9 were given" in problem(answer, 400, "INVALID_ARGUMENT")["detail"]


WRITES = [
    ("insert into things (ns, id, type) values ('{ns}', 'x', 'x')", "READ_ONLY"),
    (
        "with x as (insert into things (ns, id, type) values ('{ns}', 'x', 'x') returning 1) select * from x",
        "READ_ONLY",
    ),
    ("update things set type = 'y' where ns = '{ns}'", "READ_ONLY"),
    ("delete from things where ns = '{ns}'", "READ_ONLY"),
    ("truncate things", "READ_ONLY"),
    ("create table made_over_rpc (a int)", "READ_ONLY"),
    ("drop table things", "READ_ONLY"),
    ("select nextval('audit_log_id_seq')", "READ_ONLY"),
    ("select lo_create(0)", "READ_ONLY"),
    ("select * from things where ns = '{ns}' for update", "READ_ONLY"),
    ("do $$ begin update things set type = 'y' where ns = '{ns}'; end $$", "READ_ONLY"),
    ("set transaction read write", "INVALID_SQL"),
    ("commit; delete from things where ns = '{ns}'", "INVALID_SQL"),
    ("/* a */ commit", "INVALID_SQL"),
    ("begin", "INVALID_SQL"),
    ("copy things to '/tmp/things'", "INVALID_SQL"),
    ("select 1; delete from things where ns = '{ns}'", "INVALID_SQL"),
    ("prepare x as delete from things", "INVALID_SQL"),
    ("", "INVALID_SQL"),
    ("-- nothing", "INVALID_SQL"),
]


@pytest.mark.parametrize(("sql", "code"), WRITES)
@pytest.mark.parametrize("method", ["query", "first"])
async def test_sql_over_http_writes_nothing(
    platform: Platform, admin: httpx.AsyncClient, ns: str, method: str, sql: str, code: str
) -> None:
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "x"})
    for options in ({}, {"readOnly": False}):
        params = [sql.format(ns=ns), [], options] if options else [sql.format(ns=ns)]
        problem(await rpc(admin, method, *params), 400, code)
    assert platform.rows("select id, type from things where ns = %s", ns) == [("a", "x")]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ([], "INVALID_ARGUMENT"), ([7], "INVALID_ARGUMENT"), (["select 1", {}], "INVALID_ARGUMENT"),
        (["select 1", [], {"maxRows": 0}], "INVALID_ARGUMENT"), (["select 1", [], {"maxRows": 10_001}], "INVALID_ARGUMENT"),
        (["select 1", [], {"timeoutMs": 25_001}], "INVALID_ARGUMENT"), (["select 1", [], {"nope": 1}], "INVALID_ARGUMENT"),
        (["select $1::int", []], "INVALID_SQL"), (["select $1::int", ["x"]], "INVALID_ARGUMENT"),
        (["select 1/0"], "INVALID_ARGUMENT"), (["select * from generate_series(1, 10001)"], "RESULT_TOO_LARGE"),
        (["select generate_series(1, 3)", [], {"maxRows": 2}], "RESULT_TOO_LARGE"),
        (["select repeat('x', 11000000)"], "RESULT_TOO_LARGE"), (["select nope"], "INVALID_SQL"),
    ],
)  # fmt: skip
async def test_what_query_refuses(admin: httpx.AsyncClient, params: list[Any], code: str) -> None:
    problem(await rpc(admin, "query", *params), 400, code)


async def test_a_slow_statement_ends_at_its_limit(admin: httpx.AsyncClient) -> None:
    problem(await rpc(admin, "query", "select pg_sleep(20)", [], {"timeoutMs": 50}), 504, "TIMEOUT")


@pytest.mark.parametrize("body", [{}, {"method": 1}, {"method": "get", "params": {}}, {"method": "get", "id": 1}, []])
async def test_a_call_has_its_form(admin: httpx.AsyncClient, body: Any) -> None:
    problem(await admin.post("/db/rpc", json=body), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "identity",
    [
        Identity("user", "u", "user", permissions=("*",)),
        Identity("api_key", "u", "admin", permissions=("things:*",), key_id="k"),
        Identity("user", "u", "Admin", permissions=("*",)),
    ],
)
async def test_the_role_without_its_rights_is_not_enough(platform: Platform, identity: Identity) -> None:
    async with platform.behind_the_gateway("db", identity) as client:
        problem(await client.post("/rpc", json={"method": "stats"}), 403, "FORBIDDEN")


def signed(audience: str = "db", age_s: float = 0, secret: bytes | None = None) -> str:
    own = json.loads((DATA / "secrets.json").read_text())["INTERNAL_SECRET"].encode()
    return sign_identity(
        ADMIN, audience=audience, request_id="req_test", secret=secret or own, now_s=time.time() - age_s
    )


async def test_an_identity_counts_only_as_the_gateway_signed_it(platform: Platform) -> None:
    good = signed()
    head, claims, signature = good.split(".")
    wrong = {
        "another service's": signed(audience="auth"), "stale": signed(age_s=120), "of the future": signed(age_s=-120),
        "another secret's": signed(secret=b"0" * 32), "unsigned": f"{head}.{claims}.", "cut": good[:-1], "none": "",
        "changed": f"{head}.{claims[:-2]}AA.{signature}", "twice": f"{good}, {good}",
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=platform.workers["db"]) as client:
        for token in wrong.values():
            problem(await client.get("/stats", headers={IDENTITY_HEADER: token}), 401, "UNAUTHENTICATED")
        assert (await client.get("/stats", headers={IDENTITY_HEADER: good})).status_code == 200
        for path in ("/", "/health"):
            assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("clickhouse", ["select {x:String} as x", {"x": "\ud800"}]),
        ("clickhouse", ["select {x:Array(String)} as x", {"x": ["a", "\udfff"]}]),
        ("ingest", ["events", [{"type": "x"}], {"token": "\ud800"}]),
    ],
)  # fmt: skip
async def test_half_of_a_surrogate_pair_is_the_callers_mistake(
    admin: httpx.AsyncClient, method: str, params: list[Any]
) -> None:
    escaped = json.dumps({"method": method, "params": params})
    answer = await admin.post("/db/rpc", content=escaped, headers={"content-type": "application/json"})
    problem(answer, 400, "INVALID_ARGUMENT")


async def test_half_of_a_surrogate_pair_in_a_cursor_is_too(admin: httpx.AsyncClient) -> None:
    cursor = encode_cursor(["2026-01-01T00:00:00.000Z", "\ud800"])
    problem(await admin.get("/db/activity", params={"cursor": cursor}), 400, "INVALID_ARGUMENT")
