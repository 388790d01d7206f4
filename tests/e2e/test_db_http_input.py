"""Bad input over HTTP: each kind has its code and status, and nothing of it is written."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dotdo.identity import Identity
from tests.e2e.platform import Platform, problem

MEBIBYTE = 1024 * 1024
THING: dict[str, Any] = {"ns": "$ns", "id": "a", "type": "x"}
EDGE: dict[str, Any] = {"ns": "$ns", "type": "x", "from_ns": "a", "from_id": "b", "to_ns": "c", "to_id": "d"}
VECTOR = [1.0] * 768


def written(platform: Platform, ns: str) -> list[tuple[Any, ...]]:
    return platform.rows(
        "select ns from things where ns = %s union all select ns from relationships where ns = %s", ns, ns
    )


async def refused(
    platform: Platform, client: httpx.AsyncClient, ns: str, path: str, body: Any, expected: tuple[int, str]
) -> dict[str, Any]:
    """The problem that this POST is. Nothing was written."""
    text = (body if isinstance(body, str) else json.dumps(body)).replace("$ns", ns)
    answer = await client.post(path, content=text, headers={"content-type": "application/json"})
    found = problem(answer, *expected)
    assert written(platform, ns) == []
    return found


@pytest.mark.parametrize(
    ("path", "changes", "field"),
    [
        ("/db/things", {"ns": ""}, "ns"), ("/db/things", {"ns": None}, "ns"), ("/db/things", {"ns": 1}, "ns"),
        ("/db/things", {"id": ["a"]}, "id"), ("/db/things", {"id": "a\0"}, "id"), ("/db/things", {"id": "x" * 513}, "id"),
        ("/db/things", {"type": ""}, "type"), ("/db/things", {"type": True}, "type"),
        ("/db/things", {"data": []}, "data"), ("/db/things", {"data": "{}"}, "data"), ("/db/things", {"data": None}, "data"),
        ("/db/things", {"content": 7}, "content"), ("/db/things", {"content": "\0"}, "content"),
        ("/db/things", {"visibility": "secret"}, "visibility"), ("/db/things", {"visibility": "Public"}, "visibility"),
        ("/db/things", {"embedding": VECTOR[1:]}, "embedding"), ("/db/things", {"embedding": [0.0] * 768}, "embedding"),
        ("/db/things", {"embedding": [1e300] * 768}, "embedding"), ("/db/things", {"embedding": ["1"] * 768}, "embedding"),
        ("/db/things", {"version": 7}, "version"), ("/db/things", {"createdAt": "2020"}, "createdAt"),
        ("/db/things", {"__proto__": {}}, "__proto__"), ("/db/things", {"fromNs": "x"}, "fromNs"),
        ("/db/things", {"größe": 1}, "größe"), ("/db/things", {"東京": 1}, "東京"), ("/db/things", {"\ud83d": 1}, "body"),
        ("/db/relationships", {"from_ns": ""}, "from_ns"), ("/db/relationships", {"to_id": None}, "to_id"),
        ("/db/relationships", {"fromNs": "a"}, "fromNs"), ("/db/relationships", {"data": 1}, "data"),
        ("/db/things/batch", {"things": []}, "things"), ("/db/things/batch", {"things": [THING] * 1001}, "things"),
        ("/db/things/batch", {"things": [THING, {**THING, "id": 1}]}, "things.1.id"),
        ("/db/things/batch", {"things": [THING, THING]}, "things"), ("/db/things/batch", {"things": {}}, "things"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named(
    platform: Platform, admin: httpx.AsyncClient, ns: str, path: str, changes: dict[str, Any], field: str
) -> None:
    whole = EDGE if path == "/db/relationships" else {} if "batch" in path else THING
    found = await refused(platform, admin, ns, path, {**whole, **changes}, (400, "INVALID_ARGUMENT"))
    assert found["detail"].startswith(field)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MALFORMED_JSON"), ("{", "MALFORMED_JSON"), ("nothing", "MALFORMED_JSON"), ('{"a":1,}', "MALFORMED_JSON"),
        ('{"ns":"$ns","id":"a","type":"x","data":{"n":NaN}}', "MALFORMED_JSON"),
        ('{"ns":"$ns","id":"a","type":"x"} {}', "MALFORMED_JSON"), ("[" * 100_000, "MALFORMED_JSON"),
        ("null", "INVALID_ARGUMENT"), ("[]", "INVALID_ARGUMENT"), ('"text"', "INVALID_ARGUMENT"), ("7", "INVALID_ARGUMENT"),
        ('{"ns":"$ns","id":"a","type":"x","data":{"n":1e400}}', "INVALID_ARGUMENT"),
        ('{"ns":"$ns","id":"a","type":"x","data":{"t":"\\u0000"}}', "INVALID_ARGUMENT"),
        ('{"ns":"$ns","id":"a","type":"x","data":{"t":"\\ud800"}}', "INVALID_ARGUMENT"),
        ('{"ns":"$ns","id":"\\ud800","type":"x"}', "INVALID_ARGUMENT"),
    ],
)  # fmt: skip
async def test_a_body_that_is_no_object_of_ours(
    platform: Platform, user: httpx.AsyncClient, ns: str, text: str, code: str
) -> None:
    await refused(platform, user, ns, "/db/things", text, (400, code))


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_is_said_to_be_json(platform: Platform, user: httpx.AsyncClient, ns: str, media: str) -> None:
    text = json.dumps(THING).replace("$ns", ns)
    problem(await user.post("/db/things", content=text, headers={"content-type": media}), 415, "UNSUPPORTED_MEDIA_TYPE")
    assert written(platform, ns) == []


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * MEBIBYTE


@pytest.mark.parametrize("path", ["/things", "/things/batch", "/rpc", "/events"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_over_the_limit_is_refused(platform: Platform, path: str, streamed: bool) -> None:
    body: Any = chunks(11) if streamed else b" " * (10 * MEBIBYTE + 1)
    async with platform.behind_the_gateway("db", Identity("user", "u", "admin", permissions=("*",))) as client:
        answer = await client.post(path, content=body, headers={"content-type": "application/json"})
    problem(answer, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/db/things", "ns"), ("/db/things?ns=", "ns"), ("/db/things?ns=a&ns=b", "a query parameter"),
        ("/db/things?ns=a&page=2", "page"), ("/db/things?ns=a&orderBy=id", "orderBy"), ("/db/things?ns=a&order=up", "order"),
        ("/db/things?ns=a&order_by=type", "order_by"), ("/db/things?ns=a&visibility=all", "visibility"),
        ("/db/search", "q"), ("/db/search?q=", "q"), ("/db/search?q=a&mode=vector", "mode"),
        ("/db/search?q=a&limit=101", "limit"),
        ("/db/things/a/b/graph?depth=6", "depth"), ("/db/things/a/b/graph?depth=0", "depth"),
        ("/db/things/a/b/graph?direction=up", "direction"), ("/db/things/a/b/relationships?direction=both", "direction"),
        ("/db/things/a/b?embedding=true", "this endpoint"), ("/db/relationships", "ns"),
    ],
)  # fmt: skip
async def test_a_wrong_question_is_told_what_is_wrong(user: httpx.AsyncClient, path: str, field: str) -> None:
    assert problem(await user.get(path), 400, "INVALID_ARGUMENT")["detail"].startswith(field)


@pytest.mark.parametrize(
    ("verb", "path", "allow"),
    [
        ("DELETE", "/db/things", "GET, POST"),
        ("POST", "/db/things/a/b", "DELETE, GET, PATCH, PUT"),
        ("GET", "/db/rpc", "POST"),
    ],
)
async def test_a_verb_that_is_not_taken(admin: httpx.AsyncClient, verb: str, path: str, allow: str) -> None:
    answer = await admin.request(verb, path)
    problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allow
