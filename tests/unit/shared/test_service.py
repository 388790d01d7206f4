"""dotdo.service: what both surfaces of a service share."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dotdo.contract import Contract, Endpoint, RpcMethod
from dotdo.errors import ServiceError
from dotdo.fakes import Deferred, FakeBindings
from dotdo.http import HttpRequest, HttpResponse
from dotdo.identity import ANONYMOUS, IDENTITY_HEADER, Identity, sign_identity
from dotdo.log import Logger
from dotdo.model import Model
from dotdo.paging import Limit
from dotdo.rpc import JsonPeer
from dotdo.service import Call, Service
from dotdo.surface import Surface
from dotdo.tracing import begin

SECRET = "s" * 32


class Options(Model):
    max_rows: int = 10


class Answer(Model):
    max_rows: int
    call_name: str


class Body(Model):
    name: str


class PageQuery(Model):
    limit: Limit = 20
    after: int | None = None
    name: str = ""


CONTRACT = Contract(
    "test",
    "1",
    (RpcMethod("doThing", "", {"call_name": (str, ...), "options": (Options, Options())}, Answer),
     RpcMethod("crash", "", {}), RpcMethod("refuse", "", {})),
    (Endpoint("GET", "/open", "open", "", access="public"),
     Endpoint("GET", "/things/{id}", "read", "", permission="things:read", result=Answer),
     Endpoint("POST", "/things", "write", "", body=Body, status=201),
     Endpoint("GET", "/page", "page", "", access="public", query=PageQuery),
     Endpoint("GET", "/admin", "open", "", access="admin"),
     Endpoint("GET", "/crash", "crash", "", access="public")),
)  # fmt: skip


class Rpc:
    async def do_thing(self, call: Call, *, call_name: str, options: Options) -> Answer:
        return Answer(max_rows=options.max_rows, call_name=call_name)

    async def crash(self, call: Call) -> None:
        raise RuntimeError("secret inside")

    async def refuse(self, call: Call) -> None:
        raise ServiceError("CONFLICT", 409, "Conflict", "already there", retryable=True)


class Http:
    async def open(self, call: Call) -> dict[str, str]:
        return {"who": call.identity.kind}

    async def read(self, call: Call, *, id: str) -> Answer:
        return Answer(max_rows=1, call_name=id)

    async def write(self, call: Call, *, body: Body) -> dict[str, str]:
        return {"name": body.name}

    async def page(self, call: Call, *, query: PageQuery) -> PageQuery:
        return query

    async def crash(self, call: Call) -> None:
        raise RuntimeError("secret inside")


@pytest.fixture
def bindings() -> FakeBindings:
    return FakeBindings({"INTERNAL_SECRET": SECRET})


@pytest.fixture
def service(bindings: FakeBindings) -> Service:
    return Service(Surface(CONTRACT), bindings, Logger("test"), rpc=Rpc(), http=Http())


def identity_header(bindings: FakeBindings, identity: Identity) -> dict[str, str]:
    token = sign_identity(
        identity, audience="test", request_id="r", secret=SECRET.encode(), now_s=bindings.clock.now_s()
    )
    return {IDENTITY_HEADER: token}


READER = Identity("api_key", "usr_1", "viewer", "", ("things:read",))


async def test_rpc_speaks_camel_case_and_takes_defaults(service: Service) -> None:
    assert json.loads(await service.call("doThing", ["a", {"maxRows": 3}], Deferred())) == {
        "maxRows": 3,
        "callName": "a",
    }
    assert json.loads(await service.call("doThing", ["a", None], Deferred()))["maxRows"] == 10


@pytest.mark.parametrize(
    ("method", "params", "code", "named"),
    [
        ("nope", [], "NOT_FOUND", "nope"),
        ("do_thing", ["a"], "NOT_FOUND", "do_thing"),
        ("doThing", [], "INVALID_ARGUMENT", "callName"),
        ("doThing", [5], "INVALID_ARGUMENT", "callName"),
        ("doThing", ["a", {"maxRows": "3"}], "INVALID_ARGUMENT", "options.maxRows"),
        ("doThing", ["a", {"max_rows": 3}], "INVALID_ARGUMENT", "options.max_rows"),
        ("doThing", ["a", {"other": 3}], "INVALID_ARGUMENT", "options.other"),
        ("doThing", ["a", {}, 1], "INVALID_ARGUMENT", "2"),
        ("crash", [], "INTERNAL", "internal error"),
    ],
)
async def test_a_bad_call_is_named(service: Service, method: str, params: list[Any], code: str, named: str) -> None:
    with pytest.raises(ServiceError) as refused:
        await service.call(method, params, Deferred())
    assert refused.value.code == code
    assert named in refused.value.detail
    assert "secret" not in refused.value.detail


async def test_a_python_peer_gets_results_and_errors(service: Service) -> None:
    peer = JsonPeer("test", lambda text: service.call_json(text, Deferred()))
    assert await peer.call("doThing", "a") == {"maxRows": 10, "callName": "a"}
    with pytest.raises(ServiceError) as refused:
        await peer.call("refuse")
    error = refused.value
    assert (error.code, error.status, error.detail, error.retryable) == ("CONFLICT", 409, "already there", True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"method": "doThing"}', '"x"', '{"method": "doThing", "params": 5}'])
async def test_a_garbled_call_is_answered(service: Service, text: str) -> None:
    assert json.loads(await service.call_json(text, Deferred()))["error"]["code"] == "INVALID_ARGUMENT"


async def request(service: Service, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> HttpResponse:
    async def read() -> bytes:
        return body

    path, _, query = path.partition("?")
    return await service.fetch(HttpRequest(method, path, query, headers, read), Deferred())


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "identity", "headers", "body", "status", "code"),
    [
        ("GET", "/open", None, {}, b"", 200, ""),
        ("HEAD", "/open", None, {}, b"", 200, ""),
        ("GET", "/things/1", None, {}, b"", 401, "UNAUTHENTICATED"),
        ("GET", "/things/1", ANONYMOUS, {}, b"", 401, "UNAUTHENTICATED"),
        ("GET", "/things/1", READER, {}, b"", 200, ""),
        ("GET", "/things/1?x=1", READER, {}, b"", 400, "INVALID_ARGUMENT"),
        ("GET", "/things/%ff", READER, {}, b"", 400, "INVALID_ARGUMENT"),
        ("GET", "/things/1", Identity("user", "u", "user"), {}, b"", 403, "FORBIDDEN"),
        ("GET", "/admin", READER, {}, b"", 403, "FORBIDDEN"),
        ("GET", "/admin", Identity("user", "u", "admin", "", ("*",)), {}, b"", 200, ""),
        ("POST", "/things", READER, JSON, b'{"name": "a"}', 201, ""),
        ("POST", "/things", READER, {}, b'{"name": "a"}', 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "/things", READER, JSON, b"{", 400, "MALFORMED_JSON"),
        ("POST", "/things", READER, JSON, b"[" * 100_000, 400, "MALFORMED_JSON"),
        ("POST", "/things", READER, JSON, b'{"name": Infinity}', 400, "MALFORMED_JSON"),
        ("POST", "/things", READER, JSON, b'{"name": 1}', 400, "INVALID_ARGUMENT"),
        ("POST", "/things", READER, JSON, b'{"name": "a", "Name": "b"}', 400, "INVALID_ARGUMENT"),
        ("DELETE", "/things", READER, {}, b"", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/nowhere", READER, {}, b"", 404, "NOT_FOUND"),
        ("GET", "/crash", None, {}, b"", 500, "INTERNAL"),
    ],
)
async def test_http_answers(  # noqa: PLR0913, PLR0917 (a table of cases)
    service: Service, bindings: FakeBindings, method: str, path: str, identity: Identity | None,
    headers: dict[str, str], body: bytes, status: int, code: str,
) -> None:  # fmt: skip
    sent = {**headers, "x-request-id": "mine", **(identity_header(bindings, identity) if identity else {})}
    response = await request(service, method, path, sent, body)
    assert response.status == status, response.body
    assert ("x-request-id", "mine") in response.headers
    if code:
        problem = json.loads(response.body)
        assert ("content-type", "application/problem+json") in response.headers
        assert (problem["code"], problem["status"], problem["instance"]) == (code, status, "mine")
        assert "secret" not in response.body


async def test_405_says_what_is_allowed_and_401_how(service: Service) -> None:
    assert ("allow", "POST") in (await request(service, "DELETE", "/things", {})).headers
    assert ("www-authenticate", "Bearer") in (await request(service, "GET", "/things/1", {})).headers


@pytest.fixture
def lines_of(bindings: FakeBindings, logged: Any) -> Any:
    """Asks a service of the contract, and reads the lines it has written, without what is of the moment."""

    async def ask(ask: Callable[[Service], Awaitable[object]]) -> list[dict[str, Any]]:
        await ask(Service(Surface(CONTRACT), bindings, logged.log, rpc=Rpc(), http=Http()))
        for line in logged.lines:
            assert 0 <= line.get("duration_ms", 0) < 60_000
        return [{name: line[name] for name in line if name not in ("time", "duration_ms")} for line in logged.lines]

    return ask


TRACE = {"x-request-id": "mine", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
HEAD = {"level": "info", "service": "test", "event": "request", "request_id": "mine", "trace_id": "a" * 32}


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/open", {"route": "/open", "status": 200}),
        ("GET", "/things/sesame", {"route": "/things/{id}", "status": 401, "code": "UNAUTHENTICATED"}),
        ("GET", "/things/1?token=sesame", {"route": "/things/{id}", "status": 401, "code": "UNAUTHENTICATED"}),
        ("GET", "/page?name=sesame&limit=0", {"route": "/page", "status": 400, "code": "INVALID_ARGUMENT"}),
        ("GET", "/sesame", {"route": "", "status": 404, "code": "NOT_FOUND"}),
        ("DELETE", "/things", {"route": "", "status": 405, "code": "METHOD_NOT_ALLOWED"}),
    ],
)
async def test_a_request_is_one_line_that_repeats_nothing_of_it(
    lines_of: Any, method: str, path: str, said: dict[str, Any]
) -> None:
    assert await lines_of(lambda service: request(service, method, path, TRACE)) == [{**HEAD, "method": method, **said}]


async def test_what_fails_unexpectedly_is_told_to_the_log_alone(lines_of: Any) -> None:
    failed = {**HEAD, "level": "error", "event": "request.failed", "route": "/crash"}
    assert await lines_of(lambda service: request(service, "GET", "/crash", TRACE)) == [
        {**failed, "error": "RuntimeError('secret inside')"}, {**HEAD, "method": "GET", "route": "/crash", "status": 500},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("refuse", {"level": "warn", "event": "rpc.refused", "method": "refuse", "code": "CONFLICT", "status": 409}),
        (
            "crash",
            {"level": "error", "event": "rpc.failed", "method": "crash", "error": "RuntimeError('secret inside')"},
        ),
    ],
)
async def test_a_call_that_fails_is_a_line_of_its_callers_request(
    lines_of: Any, method: str, said: dict[str, Any]
) -> None:
    call = json.dumps({"method": method, "params": [], "trace": list(TRACE.values())})
    assert await lines_of(lambda service: service.call_json(call, Deferred())) == [{**HEAD, **said}]


async def test_a_call_that_goes_well_is_no_line(lines_of: Any) -> None:
    assert await lines_of(lambda service: service.call("doThing", ["a"], Deferred())) == []


async def test_a_missing_secret_is_named(service: Service, bindings: FakeBindings) -> None:
    del bindings.texts["INTERNAL_SECRET"]
    response = await request(service, "GET", "/things/1", {})
    assert (response.status, "INTERNAL_SECRET" in response.body) == (503, True)


async def test_a_short_secret_is_named(service: Service, bindings: FakeBindings) -> None:
    bindings.texts["INTERNAL_SECRET"] = "short"
    response = await request(service, "GET", "/things/1", {})
    assert (response.status, "INTERNAL_SECRET" in response.body) == (503, True)


async def test_the_trace_travels_with_a_call(service: Service) -> None:
    sent: list[str] = []

    async def send(text: str) -> str:
        sent.append(text)
        return await service.call_json(text, Deferred())

    trace = begin()
    await JsonPeer("test", send).call("doThing", "a")
    assert json.loads(sent[0])["trace"] == [trace.request_id, trace.traceparent]


@pytest.mark.parametrize("number", ["5.0", "5.", "+5", "1_0", "%205", "5%20", "5e0", "0x5", "%D9%A5", "", "true"])
@pytest.mark.parametrize("name", ["limit", "after"])
async def test_a_number_in_a_query_is_its_digits(service: Service, name: str, number: str) -> None:
    response = await service.fetch(HttpRequest("GET", "/page", f"{name}={number}&name=5.0"), Deferred())
    assert (response.status, json.loads(response.body)["code"]) == (400, "INVALID_ARGUMENT")
    assert json.loads(response.body)["detail"].startswith(f"{name}: ")
    whole = await service.fetch(HttpRequest("GET", "/page", f"{name}=7&name=5.0"), Deferred())
    assert json.loads(whole.body)[name] == 7
