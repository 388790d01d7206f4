"""The auth service over a WorkOS and a database that are fakes."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from auth.app import build
from dotdo.fakes import Deferred, FakeBindings, FakeHttp, FakePeer
from dotdo.http import HttpRequest, HttpResponse
from dotdo.identity import IDENTITY_HEADER, Identity, sign_identity
from dotdo.log import Logger
from dotdo.ports import HttpCall, HttpError, HttpReply
from tests.unit.auth.rsa import HostRs256, public_jwk, signed

INTERNAL_SECRET = "i" * 32
TEXTS = {
    "INTERNAL_SECRET": INTERNAL_SECRET, "JWT_SECRET": "j" * 32, "JWT_REFRESH_SECRET": "r" * 32, "PUBLIC_URL": "https://api.test/auth/",
    "WORKOS_CLIENT_ID": "client_1", "WORKOS_API_KEY": "sk_test_workos", "REDIRECT_ALLOWLIST": "https://app.test https://b.test",
}  # fmt: skip

WORKOS_USER = {
    "id": "user_w1", "email": "ann@example.test", "email_verified": True, "first_name": "Ann", "last_name": "Lee",
}  # fmt: skip

ACCOUNT = {
    "user_id": "usr_1", "email": "ann@example.test", "name": "Ann Lee", "role": "user", "organization_id": None,
    "disabled_at": None, "email_verified": True, "user_created_at": "2026-11-23T10:00:00.000Z",
    "user_updated_at": "2026-11-23T10:00:00.000Z", "workos_id": "user_w1",
}  # fmt: skip


OPENED: dict[str, Any] = {
    "id": "ses_1", "user_agent": None, "created_at": "2026-11-23T10:00:00.000Z", "last_seen_at": "2026-11-23T10:00:00.000Z",
    "expires_at": "2026-11-30T10:00:00.000Z", "role": "user", "organization_id": None, "grants": [],
}  # fmt: skip


class Tables:
    """Answers the service's statements; `account` is the user there is, `states` the login states that were used."""

    def __init__(self) -> None:
        self.account: dict[str, Any] = dict(ACCOUNT)
        self.session: dict[str, Any] | None = None
        self.states: set[str] = set()
        self.statements: list[tuple[str, list[Any]]] = []

    def query(self, sql: str, params: list[Any], *options: Any) -> dict[str, Any]:
        self.statements.append((sql, params))
        rows, changed = self._answer(" ".join(sql.split()), params)
        return {"rows": rows, "rowCount": changed}

    def transaction(self, statements: list[dict[str, Any]]) -> dict[str, Any]:
        return {"results": [self.query(one["sql"], one["params"]) for one in statements]}

    def _answer(self, sql: str, params: list[Any]) -> tuple[list[dict[str, Any]], int]:
        if sql.startswith("insert into oauth_states"):
            first = params[0] not in self.states
            self.states.add(params[0])
            return [], int(first)
        if "insert into sessions" in sql:
            return [{**OPENED, "user_id": params[3], "device": params[4], "ip_address": params[5]}], 1
        if sql.startswith(("select pg_advisory_xact_lock", "insert into audit_log")) or "user.displaced" in sql:
            return [{}], 1
        if "insert into users" in sql:
            return ([self.account], 1) if self.account else ([], 0)
        if "select workos_session_id from ended" in sql:
            return ([{"workos_session_id": "session_w1"}], 1) if params[3] or params[4] else ([], 0)
        if sql.startswith("select s.id, s.created_at"):
            return ([self.session], 1) if self.session else ([], 0)
        raise AssertionError(f"no answer to {sql}")


class Browser:
    """Keeps cookies and asks the service, as the gateway would pass it on."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.asked: list[HttpCall] = []
        self.http = FakeHttp(self._workos)
        db = FakePeer(query=self.tables.query, transaction=self.tables.transaction)
        self.bindings = FakeBindings(dict(TEXTS), peers={"DB": db}, http=self.http, rs256=HostRs256())
        self.workos_says: HttpReply | HttpError | list[HttpReply] = self.signs_in()
        self.cookies: dict[str, str] = {}
        self.service = build(self.bindings, Logger("auth"))

    def signs_in(self, user: dict[str, Any] = WORKOS_USER, **claims: Any) -> HttpReply:
        """WorkOS's answer to a good code; `claims` are those of its token."""
        now = int(self.bindings.clock.now)
        said = {"sub": user["id"], "sid": "session_w1", "iat": now, "exp": now + 300, **claims}
        token = signed({name: value for name, value in said.items() if value is not None})
        return reply(
            {"user": user, "access_token": token, "refresh_token": "wr_1", "organization_id": "org_unverified"}
        )

    def _workos(self, call: HttpCall) -> HttpReply:
        """Answers what `workos_says`, a list one by one; the key set always."""
        if urlsplit(call.url).path == "/sso/jwks/client_1":
            return reply({"keys": [public_jwk("workos_1")]})
        self.asked.append(call)
        says = self.workos_says.pop(0) if isinstance(self.workos_says, list) else self.workos_says
        if isinstance(says, HttpError):
            raise says
        return says

    async def get(self, path: str, identity: Identity | None = None, **headers: str) -> HttpResponse:
        return await self.send("GET", path, identity, b"", **headers)

    async def send(
        self, method: str, path: str, identity: Identity | None = None, body: bytes = b"", **headers: str
    ) -> HttpResponse:
        path, _, query = path.partition("?")
        sent = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        if identity is not None:
            sent[IDENTITY_HEADER] = sign_identity(
                identity,
                audience="auth",
                request_id="r",
                secret=INTERNAL_SECRET.encode(),
                now_s=self.bindings.clock.now,
            )

        async def read_body() -> bytes:
            return body

        response = await self.service.fetch(HttpRequest(method, path, query, sent, read_body), Deferred())
        for name, text in response.headers:
            if name == "set-cookie":
                cookie, value = text.partition(";")[0].split("=", 1)
                self.cookies[cookie] = value
                if "Max-Age=0" in text:
                    del self.cookies[cookie]
        return response

    async def begin(self, return_to: str = "/") -> str:
        """Starts a sign-in; the state that WorkOS would send back."""
        response = await self.get(f"/login?return_to={return_to}")
        return parse_qs(urlsplit(location(response)).query)["state"][0]


def reply(body: Any, status: int = 200, **headers: str) -> HttpReply:
    return HttpReply(status, headers, json.dumps(body).encode())


def location(response: HttpResponse) -> str:
    return dict(response.headers)["location"]


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def location_of() -> Callable[[HttpResponse], str]:
    return location
