"""Bodies and cursors nested without end are refused by every service; on this runtime parsing one would end the isolate."""

import base64

import httpx
import pytest

from tests.e2e.platform import problem

JSON = {"content-type": "application/json"}


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
