"""HTTP through the gateway, to db and PostgreSQL and back."""

import asyncio

import httpx
import pytest

from tests.e2e.platform import Platform, problem


async def test_a_thing_goes_in_and_comes_back(platform: Platform, user: httpx.AsyncClient, ns: str) -> None:
    body = {"ns": ns, "id": "a b:ü%41?#", "type": "note", "data": {"text": "hello", "n": 1.5, "list": [1, None]}}
    created = await user.post("/db/things", json=body)
    assert created.status_code == 201, created.text
    stored = created.json()
    assert stored["data"] == body["data"]
    assert stored["version"] == 1
    assert (await user.get(created.url.join(created.headers["location"]))).json() == stored

    rows = platform.rows("select id, data, version from things where ns = %s", ns)
    assert rows == [(body["id"], body["data"], 1)]


async def test_put_counts_versions_and_keeps_created_at(user: httpx.AsyncClient) -> None:
    address = "/db/things/test-versions/one"
    first = await user.put(address, json={"type": "note", "data": {"n": 1}})
    second = await user.put(address, json={"type": "note", "data": {"n": 2}})
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["version"] == 2
    assert second.json()["created_at"] == first.json()["created_at"]
    assert (await user.get(address)).json() == second.json()


async def test_deleting_answers_the_row_once(user: httpx.AsyncClient) -> None:
    address = "/db/things/test-delete/one"
    await user.put(address, json={"type": "note"})
    assert (await user.delete(address)).json()["id"] == "one"
    problem(await user.delete(address), 404, "NOT_FOUND")
    problem(await user.get(address), 404, "NOT_FOUND")


async def test_the_query_string_reaches_db_and_pages_end(user: httpx.AsyncClient) -> None:
    for n in range(5):
        await user.put(f"/db/things/test-pages/{n}", json={"type": "note"})
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"ns": "test-pages", "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await user.get("/db/things", params=params)).json()
        seen += [thing["id"] for thing in page["data"]]
        cursor = page["page"]["next_cursor"]
    assert seen == ["4", "3", "2", "1", "0"]
    assert cursor is None


@pytest.mark.parametrize("path", ["/db", "/db/", "/db/things/a/b", "/db/no/such/path", "/schedule/tasks"])
async def test_without_a_key_nothing_but_401(anonymous: httpx.AsyncClient, path: str) -> None:
    response = await anonymous.get(path)
    problem(response, 401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_viewer_reads_and_does_not_write(viewer: httpx.AsyncClient) -> None:
    assert (await viewer.get("/db/things/demo/welcome")).status_code == 200
    problem(await viewer.put("/db/things/demo/welcome", json={"type": "x"}), 403, "FORBIDDEN")
    problem(await viewer.delete("/db/things/demo/welcome"), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        ("sk_test_0000000000000000000000000000000000000a", "MALFORMED"),
        ("nonsense", "MALFORMED"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfYWRtaW4ifQ.", "MALFORMED"),
    ],
)
async def test_a_bad_credential_is_refused_with_its_code(
    anonymous: httpx.AsyncClient, credential: str, code: str
) -> None:
    problem(
        await anonymous.get("/db/things/demo/welcome", headers={"authorization": f"Bearer {credential}"}), 401, code
    )


async def test_private_things_do_not_exist_for_others(admin: httpx.AsyncClient, user: httpx.AsyncClient) -> None:
    address = "/db/things/test-private/secret"
    assert (await admin.put(address, json={"type": "note", "visibility": "private"})).status_code == 201
    problem(await user.get(address), 404, "NOT_FOUND")
    problem(await user.put(address, json={"type": "note"}), 403, "FORBIDDEN")
    assert (await user.get("/db/things", params={"ns": "test-private"})).json()["data"] == []
    problem(await user.get("/db/things", params={"ns": "test-private", "visibility": "private"}), 403, "FORBIDDEN")
    assert (await admin.get(address)).json()["visibility"] == "private"


async def test_identity_headers_of_the_client_are_dropped(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    spoofed = {"x-dotdo-identity": "eyJ.a.b", "x-user-id": "usr_admin", "x-user-role": "admin"}
    problem(await anonymous.get("/db/things/demo/welcome", headers=spoofed), 401, "UNAUTHENTICATED")
    problem(await anonymous.get("/auth/session", headers=spoofed), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("service", ["db", "schedule"])
async def test_the_workers_themselves_ask_for_the_gateways_identity(platform: Platform, service: str) -> None:
    paths = {"db": "/things/demo/welcome", "schedule": "/tasks"}
    async with httpx.AsyncClient() as client:
        key = {"authorization": f"Bearer {platform.keys['admin']}"}
        problem(await client.get(platform.workers[service] + paths[service], headers=key), 401, "UNAUTHENTICATED")
        forged = {"x-dotdo-identity": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfYWRtaW4ifQ.AAAA"}
        problem(await client.get(platform.workers[service] + paths[service], headers=forged), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("GET", "/dbx/things", 404, "NOT_FOUND"),
        ("GET", "/db/things%2fdemo/welcome", 400, "INVALID_ARGUMENT"),
        ("GET", "/db/no-such-path", 404, "NOT_FOUND"),
        ("PATCH", "/db/health", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/health", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/db/things?ns=demo&limit=0", 400, "INVALID_ARGUMENT"),
        ("GET", "/db/things?ns=demo&limit=abc", 400, "INVALID_ARGUMENT"),
        ("GET", "/db/things?ns=demo&limit=1001", 400, "INVALID_ARGUMENT"),
        ("GET", "/db/things?ns=demo&cursor=xyz", 400, "INVALID_ARGUMENT"),
        ("GET", "/db/things?limit=3", 400, "INVALID_ARGUMENT"),
        ("GET", "/db/things?ns=a&ns=b", 400, "INVALID_ARGUMENT"),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(
    admin: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    problem(await admin.request(method, path), status, code)


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "MALFORMED_JSON"),
        (b"", "application/json", 400, "MALFORMED_JSON"),
        (b'{"type": NaN}', "application/json", 400, "MALFORMED_JSON"),
        (b"[]", "application/json", 400, "INVALID_ARGUMENT"),
        (b'{"type": 5}', "application/json", 400, "INVALID_ARGUMENT"),
        (b'{"type": "x", "surprise": 1}', "application/json", 400, "INVALID_ARGUMENT"),
        (b"type=x", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            b'{"type": "x", "content": "' + b"a" * (10 * 1024 * 1024) + b'"}',
            "application/json",
            413,
            "PAYLOAD_TOO_LARGE",
        ),
    ],
    ids=["broken", "empty", "nan", "list", "number", "unknown", "form", "huge"],
)
async def test_a_bad_body_is_refused_and_nothing_is_written(
    platform: Platform, user: httpx.AsyncClient, content: bytes, content_type: str, status: int, code: str
) -> None:
    response = await user.put("/db/things/test-bad/one", content=content, headers={"content-type": content_type})
    problem(response, status, code)
    assert platform.rows("select count(*) from things where ns = 'test-bad'") == [(0,)]


async def test_request_ids_are_kept_made_and_never_mixed_up(platform: Platform) -> None:
    async with platform.client("viewer") as client:

        async def one(n: int) -> None:
            response = await client.get("/db/things/demo/absent", headers={"x-request-id": f"mine-{n}"})
            assert response.headers["x-request-id"] == f"mine-{n}"
            assert response.json()["instance"] == f"mine-{n}"

        await asyncio.gather(*(one(n) for n in range(40)))
        made = await client.get("/health", headers={"x-request-id": "not allowed!"})
    assert made.headers["x-request-id"].startswith("req_")


async def test_health_is_alive_and_ready_asks_everybody(anonymous: httpx.AsyncClient) -> None:
    health = await anonymous.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    ready = await anonymous.get("/ready")
    assert ready.status_code == 200, ready.text
    assert ready.json()["services"] == {"auth": "ok", "db": "ok", "schedule": "ok"}


async def test_the_lines_of_every_worker_carry_the_clients_trace(platform: Platform, viewer: httpx.AsyncClient) -> None:
    before, trace_id = platform.log.stat().st_size, "4bf92f3577b34da6a3ce929d0e0e4736"
    await viewer.get("/db/things", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    for service in ("gateway", "db"):
        assert await platform.logged(f'"trace_id": "{trace_id}"', f'"service": "{service}"', since=before)


async def test_a_request_leaves_one_line_without_secrets(platform: Platform, viewer: httpx.AsyncClient) -> None:
    before = platform.log.stat().st_size
    await viewer.get("/db/things", params={"ns": "demo", "cursor": "c2VjcmV0"}, headers={"x-request-id": "logged-once"})
    written = await platform.logged('"logged-once"', '"gateway"', since=before)
    assert len(written) == 1
    assert "c2VjcmV0" not in written[0]
    assert platform.keys["viewer"] not in platform.log.read_text()


@pytest.mark.parametrize(
    ("path", "status", "cached"),
    [
        ("/db/things?ns=kept", 200, "private, no-cache"), ("/db/things/kept/one", 200, "private, no-cache"),
        ("/db/things/kept/none", 404, "private, no-cache"), ("/db/search", 400, "private, no-cache"),
        ("/auth/me", 200, "private, no-cache"), ("/auth/login", 302, "no-store"),
        ("/schedule/tasks", 200, "private, no-cache"), ("/schedule/dashboard", 200, "private, no-cache"),
        ("/", 200, "private, no-cache"), ("/health", 200, "private, no-cache"), ("/nowhere", 404, "private, no-cache"),
        ("/openapi.json", 200, "public, max-age=300"),
    ],
)  # fmt: skip
async def test_no_cache_gives_an_answer_to_another_reader_and_no_browser_another_type(
    admin: httpx.AsyncClient, path: str, status: int, cached: str
) -> None:
    await admin.put("/db/things/kept/one", json={"type": "note"})
    answer = await admin.get(path)
    assert (answer.status_code, answer.headers.get_list("cache-control")) == (status, [cached]), answer.text
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_what_was_not_changed_may_be_kept_as_before(user: httpx.AsyncClient, ns: str) -> None:
    written = await user.put(f"/db/things/{ns}/one", json={"type": "note"})
    again = await user.get(f"/db/things/{ns}/one", headers={"if-none-match": written.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "private, no-cache")
