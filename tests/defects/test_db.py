"""The known defects of the data layer at its edges, each shown to be absent; those of what is stored: test_db_data.py."""

import os
import subprocess
import sys
from typing import Any

import httpx
import pytest

from scripts.runtime.services import ROOT
from tests.e2e.platform import Platform, problem


@pytest.mark.parametrize("role", [None, "viewer", "user"])
async def test_D_1_rpc_over_http_is_for_admins(platform: Platform, role: str | None) -> None:
    async with platform.client(role) as client:
        answer = await client.post(
            "/db/rpc", json={"method": "query", "params": ["select 1"]}, headers={"origin": "https://elsewhere.example"}
        )
    problem(answer, *((403, "FORBIDDEN") if role else (401, "UNAUTHENTICATED")))
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "method", ["fetch", "constructor", "toString", "__init__", "_database", "executeSql", "call_json", "call", ""]
)
async def test_D_1_rpc_reaches_the_contract_and_nothing_else(admin: httpx.AsyncClient, method: str) -> None:
    problem(await admin.post("/db/rpc", json={"method": method, "params": []}), 404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/db/admin/migrate-graph-schema", "/db/admin/migrate-vector-schema", "/db/migrate"])
async def test_D_2_no_address_changes_the_schema(admin: httpx.AsyncClient, path: str) -> None:
    problem(await admin.post(path), 404, "NOT_FOUND")


@pytest.mark.parametrize("limit", ["abc", "0", "-1", "1001", "1; drop table events", "NaN", "1e3", ""])
@pytest.mark.parametrize("path", ["/db/activity", "/db/things?ns=x", "/db/relationships?ns=x", "/db/search?q=x"])
async def test_D_10_a_limit_is_a_number_in_its_bounds(admin: httpx.AsyncClient, path: str, limit: str) -> None:
    problem(await admin.get(httpx.URL(path).copy_merge_params({"limit": limit})), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("limit", ["1", -1, 0, 1001, 1.5, True])
async def test_D_10_over_rpc_too(platform: Platform, limit: Any) -> None:
    assert "INVALID_ARGUMENT: limit" in (await platform.call("DB", "recentActivity", limit))["error"]["message"]


async def test_D_17_private_things_are_listed_to_nobody_else(platform: Platform, ns: str) -> None:
    for visibility in ("public", "private", "unlisted"):
        await platform.result("DB", "upsert", {"ns": ns, "id": visibility, "type": "x", "visibility": visibility})
    async with platform.client("user") as user:
        listed = (await user.get("/db/things", params={"ns": ns})).json()["data"]
        assert [(thing["id"], thing["visibility"]) for thing in listed] == [("public", "public")]
        problem(await user.get("/db/things", params={"ns": ns, "visibility": "private"}), 403, "FORBIDDEN")
        problem(await user.get(f"/db/things/{ns}/private"), 404, "NOT_FOUND")


@pytest.mark.parametrize("ns", ["api", "things", "batch", "search", "relationships", "rpc", "health"])
async def test_D_18_no_namespace_hides_behind_a_path(user: httpx.AsyncClient, ns: str) -> None:
    for id in ("batch", "relationships", "graph", "things"):
        assert (await user.put(f"/db/things/{ns}/{id}", json={"type": "d18"})).status_code in (200, 201)
        found = (await user.get(f"/db/things/{ns}/{id}")).json()
        assert (found["ns"], found["id"]) == (ns, id)
        assert (await user.get(f"/db/things/{ns}/{id}/relationships")).json()["data"] == []
        assert (await user.delete(f"/db/things/{ns}/{id}")).status_code == 200


@pytest.mark.parametrize("id", ["11-1011.00", "a.relationships", "a.author", "...", ".hidden"])
async def test_D_19_a_dot_is_part_of_an_id(user: httpx.AsyncClient, ns: str, id: str) -> None:
    assert (await user.put(f"/db/things/{ns}/{id}", json={"type": "x"})).status_code == 201
    assert (await user.get(f"/db/things/{ns}/{id}")).json()["id"] == id


async def test_D_24_put_replaces_and_patch_merges(user: httpx.AsyncClient, ns: str) -> None:
    address = f"/db/things/{ns}/one"
    await user.put(address, json={"type": "x", "content": "c", "data": {"a": 1, "b": 2}})
    assert (await user.patch(address, json={"data": {"b": 3}})).json()["data"] == {"a": 1, "b": 3}
    replaced = (await user.put(address, json={"type": "x", "data": {"c": 4}})).json()
    assert (replaced["data"], replaced["content"]) == ({"c": 4}, None)


@pytest.mark.parametrize("sqlstate", ["XX000", "58030", "53100", "DD001"])
async def test_D_25_an_error_says_nothing_of_the_inside(admin: httpx.AsyncClient, sqlstate: str) -> None:
    raising = f"do $$ begin raise exception 'table things, row 7' using errcode = '{sqlstate}'; end $$"
    answer = await admin.post("/db/rpc", json={"method": "query", "params": [raising]})
    assert answer.status_code == 502
    assert answer.json()["code"] == "DATABASE_ERROR"
    for inner in ("Traceback", ".py", "things", "row 7", "PL/pgSQL"):
        assert inner not in answer.text


async def test_D_28_no_log_line_holds_where_the_stores_are(platform: Platform) -> None:
    await platform.call("DB", "query", "select nope")
    log = platform.log.read_text()
    password = platform.postgres_url.partition("@")[0].rpartition(":")[2]
    assert password
    assert not [line for line in log.splitlines() if "postgres://" in line or "postgresql://" in line]
    assert not [line for line in log.splitlines() if "clickhouse_password" in line.lower() or password in line.split()]


def test_D_29_importing_the_service_takes_no_configuration() -> None:
    modules = sorted(
        str(file.relative_to(ROOT / "db" / "src").with_suffix("")).replace(os.sep, ".")
        for file in (ROOT / "db" / "src" / "db").rglob("*.py")
    )
    sources = os.pathsep.join(str(ROOT / part / "src") for part in ("db", "shared"))
    script = f"import importlib; [importlib.import_module(name) for name in {modules}]; print('imported')"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": sources}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "imported\n", "")


@pytest.mark.parametrize(
    ("method", "params"), [("clickhouse", ["select 1 as n"]), ("clickhouseStats", []), ("stats", [])]
)
async def test_D_30_what_comes_back_is_data(platform: Platform, method: str, params: list[Any]) -> None:
    answer = await platform.call("DB", method, *params)
    assert answer["type"] == "[object Object]"
    assert answer["ok"]


@pytest.mark.parametrize("sql", ["select nope", "select throwIf(1)", "selec"])
async def test_D_31_a_failed_analysis_is_no_success(admin: httpx.AsyncClient, sql: str) -> None:
    answer = await admin.post("/db/rpc", json={"method": "clickhouse", "params": [sql]})
    assert answer.status_code >= 400
    assert answer.headers["content-type"] == "application/problem+json"


PROTECTED = [
    ("GET", "/things?ns=x"), ("POST", "/things"), ("POST", "/things/batch"), ("GET", "/things/a/b"), ("PUT", "/things/a/b"),
    ("PATCH", "/things/a/b"), ("DELETE", "/things/a/b"), ("GET", "/things/a/b/relationships"), ("GET", "/things/a/b/graph"),
    ("GET", "/relationships?ns=x"), ("POST", "/relationships"), ("GET", "/relationships/a/b"), ("DELETE", "/relationships/a/b"),
    ("GET", "/search?q=x"), ("POST", "/search"), ("GET", "/stats"), ("GET", "/types"),
    ("GET", "/activity"), ("POST", "/events"), ("POST", "/rpc"),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "path"), PROTECTED)
async def test_D_35_everything_but_card_and_health_asks_who_calls(platform: Platform, verb: str, path: str) -> None:
    async with httpx.AsyncClient(base_url=platform.workers["db"]) as direct, platform.client() as through:
        problem(await direct.request(verb, path), 401, "UNAUTHENTICATED")
        problem(await direct.request(verb, path, headers={"x-dotdo-identity": "forged"}), 401, "UNAUTHENTICATED")
        problem(await through.request(verb, f"/db{path}"), 401, "UNAUTHENTICATED")
