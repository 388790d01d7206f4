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

INTERNAL_SECRET = "i" * 32
TEXTS = {
    "INTERNAL_SECRET": INTERNAL_SECRET, "JWT_SECRET": "j" * 32, "JWT_REFRESH_SECRET": "r" * 32, "PUBLIC_URL": "https://api.test/auth/",
    "WORKOS_CLIENT_ID": "client_1", "WORKOS_API_KEY": "sk_test_workos", "REDIRECT_ALLOWLIST": "https://app.test https://b.test",
}  # fmt: skip

WORKOS_USER = {
    "id": "user_w1", "email": "ann@example.test", "email_verified": True, "first_name": "Ann", "last_name": "Lee",
}  # fmt: skip

ACCOUNT = {
    "id": "usr_1", "email": "ann@example.test", "name": "Ann Lee", "role": "user", "organization_id": None, "disabled_at": None,
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

    def query(self, sql: str, params: list[Any]) -> dict[str, Any]:
        self.statements.append((sql, params))
        rows, changed = self._answer(" ".join(sql.split()), params)
        return {"rows": rows, "rowCount": changed}

    def _answer(self, sql: str, params: list[Any]) -> tuple[list[dict[str, Any]], int]:
        if sql.startswith("insert into oauth_states"):
            first = params[0] not in self.states
            self.states.add(params[0])
            return [], int(first)
        if "insert into sessions" in sql:
            return [{**OPENED, "user_id": params[3], "device": params[4], "ip_address": params[5]}], 1
        if sql.startswith("with linked"):
            return [self.account], 1
        if sql.startswith("select s.id, s.created_at"):
            return ([self.session], 1) if self.session else ([], 0)
        raise AssertionError(f"no answer to {sql}")


class Browser:
    """Keeps cookies and asks the service, as the gateway would pass it on."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.workos_says: HttpReply | HttpError = HttpReply(
            200, {}, json.dumps({"user": WORKOS_USER, "organization_id": None})
        )
        self.http = FakeHttp(self._workos)
        self.bindings = FakeBindings(dict(TEXTS), peers={"DB": FakePeer(query=self.tables.query)}, http=self.http)
        self.cookies: dict[str, str] = {}
        self.service = build(self.bindings, Logger("auth"))

    def _workos(self, call: HttpCall) -> HttpReply:
        if isinstance(self.workos_says, HttpError):
            raise self.workos_says
        return self.workos_says

    async def get(self, path: str, identity: Identity | None = None, **headers: str) -> HttpResponse:
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
        response = await self.service.fetch(HttpRequest("GET", path, query, sent), Deferred())
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


def location(response: HttpResponse) -> str:
    return dict(response.headers)["location"]


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def location_of() -> Callable[[HttpResponse], str]:
    return location
