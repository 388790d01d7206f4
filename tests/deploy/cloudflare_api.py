"""A fake of what deploying uses of Cloudflare's REST API, on 127.0.0.1: keeps what was uploaded, fails on request."""

import asyncio
import json
import re
import socket
import threading
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ACCOUNT = "fake-account"
TOKEN = "fake-token"
BASE = "/client/v4"


@dataclass(frozen=True, slots=True)
class Upload:
    """One script as it arrived: `where` is a namespace, or empty for the account itself."""

    where: str
    name: str
    metadata: dict[str, Any]
    modules: dict[str, str]

    @property
    def bindings(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.metadata["bindings"]}

    @property
    def secrets(self) -> set[str]:
        return {row["name"] for row in self.metadata["bindings"] if row["type"] == "secret_text"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Answers requests whose `METHOD path` matches with a status, or cuts the connection when the status is 0.

    With `arrives` what was asked for is done all the same.
    """

    pattern: str
    status: int = 500
    code: int = 10001
    arrives: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Never answers requests that match; `begun` is set when one has come."""

    pattern: str
    begun: threading.Event


@dataclass
class State:
    namespaces: set[str] = field(default_factory=set)
    scripts: dict[tuple[str, str], Upload] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    crons: dict[str, list[str]] = field(default_factory=dict)
    routes: list[str] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    def secret(self, where: str, script: str, **values: str) -> None:
        self.secrets.setdefault((where, script), {}).update(values)


class _Cut(Response):
    """Ends the connection without an answer: uvicorn closes it when an application returns without having begun one."""

    async def __call__(self, *_: object) -> None:
        return


def _ok(result: Any, status: int = 200) -> JSONResponse:
    return JSONResponse({"success": True, "errors": [], "messages": [], "result": result}, status)


def _error(status: int, code: int, message: str) -> JSONResponse:
    body = {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
    return JSONResponse(body, status)


class CloudflareApi:
    """`with CloudflareApi() as api:` serves until the end of the block."""

    def __init__(self) -> None:
        self.state = State()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{BASE}"
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "PUT", "POST", "PATCH", "DELETE"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "CloudflareApi":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    async def _answer(self, request: Request) -> Response:
        path = request.url.path.removeprefix(BASE)
        line = f"{request.method} {path}"
        self.state.requests.append(line)
        for hold in self.state.holds:
            if re.search(hold.pattern, line):
                hold.begun.set()
                while not await request.is_disconnected():
                    await asyncio.sleep(0.05)
                return _Cut()
        for fault in self.state.faults:
            if re.search(fault.pattern, line):
                await request.body()
                if fault.arrives:
                    await self._routed(request, line)
                if fault.status:
                    return _error(fault.status, fault.code, "made to fail")
                return _Cut()
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, 10000, "Authentication error")
        return await self._routed(request, line)

    async def _routed(self, request: Request, line: str) -> Response:
        for pattern, answer in _ROUTES:
            if match := re.fullmatch(pattern, line):
                result: Response = await answer(self.state, request, **match.groupdict())
                return result
        return _error(404, 7003, f"no route for {line}")


async def _token(state: State, request: Request) -> Response:
    return _ok({"id": "token", "status": "active"})


async def _account(state: State, request: Request) -> Response:
    return _ok({"id": ACCOUNT, "name": "Fake"})


async def _namespace(state: State, request: Request, ns: str) -> Response:
    if ns not in state.namespaces:
        return _error(404, 100119, "dispatch namespace not found")
    return _ok({"namespace_name": ns, "namespace_id": f"id-of-{ns}"})


async def _namespaces(state: State, request: Request) -> Response:
    return _ok([{"namespace_name": name} for name in sorted(state.namespaces)])


async def _scripts(state: State, request: Request, ns: str) -> Response:
    return _ok([{"id": name} for where, name in state.scripts if where == ns])


async def _script(state: State, request: Request, name: str, ns: str = "") -> Response:
    if (ns, name) not in state.scripts:
        return _error(404, _NOT_THERE[bool(ns)], "This Worker does not exist.")
    return _ok({"id": name, "script": {"id": name}, "default_environment": {"environment": "production"}})


async def _upload(state: State, request: Request, name: str, ns: str = "") -> Response:
    if ns and ns not in state.namespaces:
        return _error(404, 100119, "dispatch namespace not found")
    metadata, modules = _form(request.headers["content-type"], await request.body())
    upload = Upload(ns, name, metadata, modules)
    missing = [
        row["service"] for row in metadata["bindings"] if row["type"] == "service" and not _known(state, ns, row)
    ]
    if missing:
        return _error(400, 10143, f"Could not resolve service binding to {missing[0]!r}")
    state.scripts[ns, name] = upload
    state.uploads.append(upload)
    return _ok({"id": name, "etag": "e", "startup_time_ms": 12, "deployment_id": "d", "entry_point": "entry.py"})


def _form(content_type: str, body: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """The part `metadata`, and the media type of each module by its name."""
    message = BytesParser(policy=policy.HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    metadata: dict[str, Any] = {}
    modules: dict[str, str] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        if name == "metadata":
            metadata = json.loads(part.get_content())
        else:
            modules[name] = part.get_content_type()
    return metadata, modules


def _known(state: State, ns: str, row: dict[str, Any]) -> bool:
    return (ns, row["service"]) in state.scripts or ("", row["service"]) in state.scripts


async def _secrets(state: State, request: Request, name: str, ns: str = "") -> Response:
    return _ok([{"name": key, "type": "secret_text"} for key in state.secrets.get((ns, name), {})])


async def _bindings(state: State, request: Request, name: str, ns: str) -> Response:
    if (ns, name) not in state.scripts:
        return _error(404, 10092, "This Worker does not exist.")
    return _ok(state.scripts[ns, name].metadata.get("bindings", []))


async def _put_secret(state: State, request: Request, name: str, ns: str = "") -> Response:
    if (ns, name) not in state.scripts:
        return _error(404, 10007, "This Worker does not exist on your account.")
    body = await request.json()
    state.secret(ns, name, **{body["name"]: body["text"]})
    return _ok({"name": body["name"], "type": "secret_text"})


async def _deployments(state: State, request: Request, name: str) -> Response:
    return _ok({"deployments": []})


async def _schedules(state: State, request: Request, name: str) -> Response:
    state.crons[name] = [row["cron"] for row in await request.json()]
    return _ok({"schedules": []})


async def _worker(state: State, request: Request, name: str) -> Response:
    return _ok({"id": name, "name": name, "subdomain": {"enabled": True, "previews_enabled": False}, "references": {}})


async def _bucket(state: State, request: Request, name: str) -> Response:
    return _ok({"name": name})


async def _zones(state: State, request: Request) -> Response:
    name = request.query_params.get("name", "")
    return _ok([{"id": f"zone-of-{name}", "name": name}])


async def _put_routes(state: State, request: Request, name: str) -> Response:
    state.routes = [row["pattern"] for row in await request.json()]
    return _ok(await request.json())


async def _no_routes(state: State, request: Request, zone: str) -> Response:
    return _ok([])


async def _subdomain(state: State, request: Request, name: str = "") -> Response:
    return _ok({"subdomain": "fake", "enabled": False, "previews_enabled": False})


# What wrangler takes for "not there yet", of the account and of a namespace.
_NOT_THERE = (10007, 10092)

_A = f"/accounts/{ACCOUNT}"
_N = rf"{_A}/workers/dispatch/namespaces/(?P<ns>[^/]+)"
_S = rf"{_A}/workers/scripts/(?P<name>[^/]+)"

_ROUTES = (
    (r"GET /user/tokens/verify", _token),
    (rf"GET {_A}/tokens/verify", _token),
    (rf"GET {_A}", _account),
    (rf"GET {_A}/workers/dispatch/namespaces", _namespaces),
    (rf"GET {_N}", _namespace),
    (rf"GET {_N}/scripts", _scripts),
    (rf"GET {_N}/scripts/(?P<name>[^/]+)", _script),
    (rf"PUT {_N}/scripts/(?P<name>[^/]+)", _upload),
    (rf"GET {_N}/scripts/(?P<name>[^/]+)/bindings", _bindings),
    (rf"GET {_N}/scripts/(?P<name>[^/]+)/secrets", _secrets),
    (rf"PUT {_N}/scripts/(?P<name>[^/]+)/secrets", _put_secret),
    (rf"GET {_A}/workers/services/(?P<name>[^/]+)", _script),
    (rf"GET {_S}/secrets", _secrets),
    (rf"GET {_S}/deployments", _deployments),
    (rf"GET {_S}/(?:settings|script-settings|environments/production/content)", _script),
    (rf"PUT {_S}", _upload),
    (rf"PATCH {_S}/script-settings", _script),
    (rf"GET {_A}/workers/workers/(?P<name>[^/]+)", _worker),
    (rf"PATCH {_A}/workers/workers/(?P<name>[^/]+)", _worker),
    (rf"PUT {_S}/schedules", _schedules),
    (rf"PUT {_S}/routes", _put_routes),
    (rf"(?:GET|POST) {_S}/subdomain", _subdomain),
    (rf"GET {_A}/workers/subdomain", _subdomain),
    (rf"GET {_A}/r2/buckets/(?P<name>[^/]+)", _bucket),
    (r"GET /zones", _zones),
    (r"GET /zones/(?P<zone>[^/]+)/workers/routes", _no_routes),
)
