"""What HTTP callers see and may write: private things exist for who may see them, and raw SQL never writes."""

import json
from typing import Any

import pytest

from dotdo.http import HttpResponse
from dotdo.identity import Identity
from dotdo.ports import HttpError

ADMIN = Identity("api_key", "usr_admin", "admin", permissions=("*",), key_id="key_1")
USER = Identity(
    "api_key", "usr_user", "user", permissions=("things:read", "things:write", "search:read"), key_id="key_2"
)
VIEWER = Identity("api_key", "usr_viewer", "viewer", permissions=("things:read", "search:read"), key_id="key_3")
AUDITOR = Identity("api_key", "u", "user", permissions=("things:*", "search:read"), key_id="key_4")

BODY = {"type": "note", "data": {"a": 1}}
THING = {**BODY, "ns": "n", "id": "i"}


def thing(**changes: Any) -> dict[str, Any]:
    return {
        "ns": "n", "id": "i", "type": "note", "content": None, "code": None, "data": {"a": 1}, "visibility": "public",
        "version": 3, "created_at": "2026-11-23T10:00:00.000Z", "updated_at": "2026-11-23T10:00:00.000Z", **changes,
    }  # fmt: skip


def code_of(response: HttpResponse) -> str:
    return str(json.loads(response.body)["code"])


@pytest.mark.parametrize(
    ("identity", "visibility", "status"),
    [
        (VIEWER, "public", 200), (VIEWER, "unlisted", 200), (VIEWER, "private", 404),
        (USER, "private", 404), (ADMIN, "private", 200),
    ],
)  # fmt: skip
async def test_a_private_thing_is_not_there_for_others(
    endpoint: Any, rows: Any, identity: Identity, visibility: str, status: int
) -> None:
    response = await endpoint(rows(thing(visibility=visibility))).send("GET", "/things/n/i", identity)
    assert response.status == status
    assert (("etag", '"3"') in response.headers) == (status == 200)


async def test_no_answer_tells_a_private_thing_from_none(endpoint: Any, rows: Any) -> None:
    private = await endpoint(rows(thing(visibility="private"))).send("GET", "/things/n/i", USER, x_request_id="r")
    missing = await endpoint().send("GET", "/things/n/i", USER, x_request_id="r")
    assert private == missing


@pytest.mark.parametrize(
    ("method", "body", "status"), [("DELETE", None, 404), ("PATCH", {"type": "x"}, 404), ("PUT", BODY, 403)]
)
async def test_a_private_thing_is_not_changed_by_others(
    endpoint: Any, rows: Any, method: str, body: Any, status: int
) -> None:
    """The write itself says so: a thing may turn private at any moment before it."""
    database = endpoint(rows(), rows({"version": 3, "visibility": "private"}))
    response = await database.send(method, "/things/n/i", USER, body)
    assert response.status == status
    assert "visibility <> 'private'" in database.bodies[0]["query"]


@pytest.mark.parametrize(("method", "body"), [("DELETE", None), ("PATCH", {"type": "x"})])
@pytest.mark.parametrize(("visibility", "status"), [("private", 404), ("unlisted", 412)])
async def test_a_wrong_version_of_a_private_thing_is_told_to_nobody_else(
    endpoint: Any, rows: Any, method: str, body: Any, visibility: str, status: int
) -> None:
    database = endpoint(rows(), rows({"version": 3, "visibility": visibility}))
    assert (await database.send(method, "/things/n/i", USER, body, if_match='"2"')).status == status


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/things", {**BODY, "ns": "n", "id": "i"}),
        ("DELETE", "/things/n/i", None),
        ("GET", "/stats", None),
        ("POST", "/rpc", {"method": "health"}),
    ],
)
async def test_a_viewer_causes_no_statement_it_may_not(endpoint: Any, method: str, path: str, body: Any) -> None:
    database = endpoint()
    response = await database.send(method, path, VIEWER, body)
    assert (response.status, code_of(response), database.http.calls) == (403, "FORBIDDEN", [])


ASKED = [(None, 200), ("public", 200), ("private", 403), ("unlisted", 403)]


@pytest.mark.parametrize(("asked", "status"), ASKED)
@pytest.mark.parametrize("path", ["/things?ns=n", "/search?q=fox", "/search"])
async def test_lists_and_searches_are_of_public_things(
    endpoint: Any, path: str, asked: str | None, status: int
) -> None:
    """Others are for who may see them, when they are asked for by name."""
    for identity, seen in ((VIEWER, status), (AUDITOR, 200), (ADMIN, 200)):
        database = endpoint()
        if path == "/search":
            body = {"query": "fox"} | ({"visibility": asked} if asked else {})
            response = await database.send("POST", path, identity, body)
        else:
            response = await database.send("GET", path + (f"&visibility={asked}" if asked else ""), identity)
        assert response.status == seen
        assert all((asked or "public") in body["params"] for body in database.bodies)


async def test_who_may_read_things_may_not_search_them_by_that_alone(endpoint: Any) -> None:
    reader = Identity("api_key", "u", "user", permissions=("things:read",), key_id="k")
    searcher = Identity("api_key", "u", "user", permissions=("search:read",), key_id="k")
    for method, path, body in (("GET", "/search?q=a", None), ("POST", "/search", {"query": "a"})):
        assert (await endpoint().send(method, path, reader, body)).status == 403
        assert (await endpoint().send(method, path, searcher, body)).status == 200
    assert (await endpoint().send("GET", "/things/n/i", searcher)).status == 403


@pytest.mark.parametrize("method", ["transaction", "execute"])
async def test_what_writes_by_raw_sql_is_not_offered_over_http(endpoint: Any, method: str) -> None:
    database = endpoint()
    response = await database.send("POST", "/rpc", ADMIN, {"method": method, "params": ["delete from things"]})
    assert (response.status, code_of(response), database.http.calls) == (403, "FORBIDDEN_METHOD", [])


@pytest.mark.parametrize(
    "params", [["select 1"], ["select 1", []], ["select 1", [], {"readOnly": False}], ["select 1", [], None]]
)
@pytest.mark.parametrize("method", ["query", "first"])
async def test_raw_sql_over_http_is_read_only_whatever_was_asked(
    endpoint: Any, rows: Any, method: str, params: list[Any]
) -> None:
    database = endpoint({"results": [rows(), rows({"n": 7})]})
    response = await database.send("POST", "/rpc", ADMIN, {"method": method, "params": params})
    assert response.status == 200
    assert database.http.calls[0].headers["neon-batch-read-only"] == "true"
    result = json.loads(response.body)["result"]
    assert (result if method == "first" else result["rows"][0]) == {"n": 7}


@pytest.mark.parametrize("name", ["nope", "__class__", "_database", "get_things", "raw"])
async def test_only_the_contracts_methods_are_there(endpoint: Any, name: str) -> None:
    response = await endpoint().send("POST", "/rpc", ADMIN, {"method": name})
    assert (response.status, code_of(response)) == (404, "NOT_FOUND")


async def test_a_call_over_http_keeps_its_requests_id(endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    await endpoint(HttpError("down")).send(
        "POST", "/rpc", ADMIN, {"method": "upsert", "params": [THING]}, x_request_id="mine"
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line["request_id"]) for line in lines] == [("rpc.refused", "mine"), ("request", "mine")]


async def test_a_key_that_would_not_count_is_refused(endpoint: Any) -> None:
    for path, body, key in (("/rpc", {"method": "upsert", "params": [THING]}, "k"), ("/things", THING, "")):
        database = endpoint()
        response = await database.send("POST", path, ADMIN, body, idempotency_key=key)
        assert (response.status, code_of(response), database.http.calls) == (400, "INVALID_ARGUMENT", [])


async def test_a_new_thing_says_where_it_is(endpoint: Any, rows: Any) -> None:
    database = endpoint(rows(thing(ns="a/b", id="ü", version=1)))
    response = await database.send("POST", "/things", ADMIN, {**BODY, "ns": "a/b", "id": "ü"})
    assert response.status == 201
    assert ("location", "things/a%2Fb/%C3%BC") in response.headers
