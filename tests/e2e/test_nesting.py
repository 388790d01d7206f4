"""Bodies and cursors nested without end are refused by every service; on this runtime parsing one would end the isolate."""

import base64
import json
from typing import Any

import httpx
import pytest

from dotdo.nesting import MAX_DEPTH
from tests.e2e.platform import Platform, problem

JSON = {"content-type": "application/json"}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/db/things"), ("PUT", "/db/things/a/b"), ("POST", "/db/rpc"), ("POST", "/auth/refresh")],
)
@pytest.mark.parametrize("opening", ["[", '{"a":'])
async def test_a_body_without_end_is_malformed(admin: httpx.AsyncClient, method: str, path: str, opening: str) -> None:
    problem(await admin.request(method, path, content=opening * 50_000, headers=JSON), 400, "MALFORMED_JSON")


@pytest.mark.parametrize("path", ["/db/things?ns=demo", "/auth/audit?"])
async def test_a_cursor_without_end_is_none(admin: httpx.AsyncClient, path: str) -> None:
    cursor = base64.urlsafe_b64encode(b"[" * 5_000).rstrip(b"=").decode()
    problem(await admin.get(f"{path}&cursor={cursor}"), 400, "INVALID_ARGUMENT")


async def test_what_is_deep_and_allowed_goes_in_and_comes_out(admin: httpx.AsyncClient, ns: str) -> None:
    deepest = {"value": nested(MAX_DEPTH - 2)}
    body = {"type": "note", "data": deepest}
    written = await admin.put(f"/db/things/{ns}/deep", json=body)
    assert written.status_code == 201, written.text
    assert (await admin.get(f"/db/things/{ns}/deep")).json()["data"] == deepest
    (listed,) = (await admin.get(f"/db/things?ns={ns}")).json()["data"]
    assert listed["data"] == deepest
    deeper = json.dumps({"type": "note", "data": {"value": nested(MAX_DEPTH - 1)}})
    problem(await admin.put(f"/db/things/{ns}/deep", content=deeper, headers=JSON), 400, "MALFORMED_JSON")


@pytest.mark.parametrize("kind", ["json", "jsonb"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 5_000])
async def test_what_postgresql_nests_deeper_stays_text(platform: Platform, kind: str, levels: int) -> None:
    sql = f"select (repeat('[', {levels}) || repeat(']', {levels}))::{kind} as value"
    answer = await platform.result("DB", "query", sql)
    assert answer["rows"] == [{"value": "[" * levels + "]" * levels}]
