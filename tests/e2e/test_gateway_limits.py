"""Limits with production's numbers, CORS, the credential cache, RPC and usage events on the real runtime."""

import asyncio
import time
import uuid
from typing import Any

import pytest

from tests.e2e.gateways import limited
from tests.e2e.mapped import most
from tests.e2e.platform import DATA, Platform, problem


def fresh_address() -> str:
    """One that no other test counts against."""
    return f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"


async def test_ten_sign_ins_a_minute_then_429(platform: Platform) -> None:
    async with limited(platform, address=fresh_address()) as client:
        answers = [await client.get("/auth/refresh") for _ in range(11)]
        assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"auth";q=10;w=60'}
        assert [answer.status_code for answer in answers][-2:] == [405, 429]
        body = problem(answers[-1], 429, "RATE_LIMITED")
        assert body["violated-policies"] == ["auth"]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 120
    async with limited(platform, address=fresh_address()) as other:
        assert (await other.get("/auth/refresh")).status_code == 405


async def test_guesses_are_stopped_by_address_and_nobody_else_is(platform: Platform) -> None:
    address = fresh_address()
    started = time.monotonic()
    async with limited(platform, address=address) as client:
        answers = await asyncio.gather(
            *(client.get("/db/things", headers={"authorization": f"Bearer guess-{n}"}) for n in range(400))
        )
    statuses = [answer.status_code for answer in answers]
    assert 300 <= statuses.count(401) <= most(300, time.monotonic() - started)
    assert statuses.count(401) + statuses.count(429) == 400
    async with limited(platform, "viewer", address=fresh_address()) as other:
        assert (await other.get("/db/things/demo/welcome")).status_code == 200


async def test_a_keys_own_limit_and_what_is_left_of_it(platform: Platform) -> None:
    made = await platform.result(
        "AUTH", "createApiKey", {"userId": "usr_viewer", "name": "limited", "rateLimit": 3, "environment": "test"}
    )
    async with limited(platform, address=fresh_address()) as client:
        client.headers["authorization"] = f"Bearer {made['key']}"
        answers = [await client.get("/db/things/demo/welcome") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=60'


async def test_cors_on_answers_errors_and_preflights(platform: Platform) -> None:
    origin = {"origin": "https://app.example.com"}
    async with limited(platform, "viewer", address=fresh_address()) as client:
        for path, status in (("/db/things/demo/welcome", 200), ("/db/things/demo/absent", 404), ("/health", 200)):
            response = await client.get(path, headers=origin)
            assert (response.status_code, response.headers["access-control-allow-origin"]) == (status, origin["origin"])
            assert "Origin" in response.headers["vary"]
        foreign = await client.get("/db/things/demo/welcome", headers={"origin": "https://evil.com"})
        assert "access-control-allow-origin" not in foreign.headers
        preflight = await client.options("/db/things", headers={**origin, "access-control-request-method": "PUT"})
        assert (preflight.status_code, preflight.content) == (204, b"")
        assert "PUT" in preflight.headers["access-control-allow-methods"]


async def test_a_revoked_key_is_out_within_the_bound_and_at_once_where_it_was_not_known(platform: Platform) -> None:
    made = await platform.result(
        "AUTH", "createApiKey", {"userId": "usr_viewer", "name": "short", "environment": "test"}
    )
    await platform.result("AUTH", "revokeApiKey", "usr_viewer", made["id"])
    async with platform.client() as client:
        key = {"authorization": f"Bearer {made['key']}"}
        problem(await client.get("/db/things/demo/welcome", headers=key), 401, "REVOKED")


async def test_route_by_rpc_goes_the_same_way(platform: Platform) -> None:
    key = {"authorization": f"Bearer {platform.keys['viewer']}", "x-request-id": "mine"}
    answer = await platform.result("GATEWAY", "route", "/db/things/demo/welcome", {"headers": key})
    assert (answer["status"], answer["body"]["id"], answer["headers"]["x-request-id"]) == (200, "welcome", "mine")
    answer = await platform.result("GATEWAY", "route", "https://api.services.do/things/demo/welcome", {"headers": key})
    assert (answer["status"], answer["body"]["id"]) == (200, "welcome")
    answer = await platform.result("GATEWAY", "route", "/db/things/demo/welcome")
    assert (answer["status"], answer["body"]["code"]) == (401, "UNAUTHENTICATED")
    sent = {"method": "POST", "headers": {**key, "content-type": "application/json"}, "body": '{"type": "x"}'}
    answer = await platform.result("GATEWAY", "route", "/db/things", sent)
    assert (answer["status"], answer["body"]["code"]) == (403, "FORBIDDEN")


async def test_route_follows_no_redirect(platform: Platform) -> None:
    answer = await platform.result("GATEWAY", "route", "/auth/login")
    assert answer["status"] == 302, "where it leads is the caller's business"
    assert "client_id=" in answer["headers"]["location"]


async def test_route_takes_an_answer_that_is_not_json(platform: Platform) -> None:
    key = {"authorization": f"Bearer {platform.keys['viewer']}"}
    answer = await platform.result("LIMITED_GATEWAY", "route", "/fn/status", {"headers": key})
    assert (answer["status"], answer["body"], answer["headers"]["x-own"]) == (418, "teapot", "kept")


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ([], "route takes"), (["/x", {}, 1], "route takes"), ([5], "url"), (["ftp://x"], "url"), (["nowhere"], "url"),
        (["/x", []], "init"), (["/x", {"mode": "cors"}], "init"),
        (["/x", {"headers": {"a": 1}}], "init.headers"), (["/x", {"method": 5}], "init.method"),
        (["/x", {"body": {}}], "init.body"), (["https://[", {}], "url or init"),
        (["/x", {"method": "GET", "body": "x"}], "url or init"), (["/x", {"headers": {"a b": "c"}}], "url or init"),
    ],
)  # fmt: skip
async def test_route_names_what_is_wrong_with_its_arguments(platform: Platform, args: list[Any], names: str) -> None:
    error = (await platform.call("GATEWAY", "route", *args))["error"]
    assert error["message"].splitlines()[-1].startswith(f"INVALID_ARGUMENT: {names}")


async def test_each_request_becomes_a_row_of_the_analytics(platform: Platform) -> None:
    mine = f"req-{uuid.uuid4()}"
    async with platform.client("viewer") as client:
        await client.get("/db/things/demo/welcome", headers={"x-request-id": mine})
    columns = "route, method, status, identity, user_id, duration_ms >= 0 as timed"
    sql = f"select {columns} from api_requests where request_id = {{id:String}}"
    async with asyncio.timeout(30):
        while not (rows := (await platform.result("DB", "clickhouse", sql, {"id": mine}))["data"]):
            await asyncio.sleep(0.2)
    assert rows == [
        {"route": "/db", "method": "GET", "status": 200, "identity": "api_key", "user_id": "usr_viewer", "timed": 1}
    ]


async def test_isolates_tell_each_other_in_kv(platform: Platform) -> None:
    """The gossip of a hot identity reaches KV; no request waits for it."""
    async with limited(platform, "user", address=fresh_address()) as client:
        for _ in range(8):
            assert (await client.get("/db/things/demo/welcome")).status_code == 200
    async with asyncio.timeout(30):
        while "rl1/limited/" not in stored_keys():
            await asyncio.sleep(0.2)


def stored_keys() -> str:
    """What Miniflare's KV holds, as far as names go: its index is a SQLite file."""
    files = [file for file in DATA.rglob("*.sqlite*") if "kv" in str(file).lower()]
    return "".join(file.read_bytes().decode("latin-1") for file in files)
