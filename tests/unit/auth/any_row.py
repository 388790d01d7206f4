"""auth over a database in which every statement finds what it looks for: one row that is every row."""

import json
from typing import Any

from auth.app import build
from dotdo.fakes import Deferred, FakeBindings, FakePeer
from dotdo.http import HttpRequest, HttpResponse
from dotdo.identity import IDENTITY_HEADER, Identity, sign_identity
from dotdo.log import Logger
from dotdo.service import Service

INSTANT = "2026-11-23T10:00:00.000Z"
SECRET = "i" * 32

# A user in good standing.
ROW: dict[str, Any] = {
    "id": "x", "user_id": "usr_1", "key_id": "key_1", "role": "user", "organization_id": None, "acts_in": None, "grants": [],
    "scopes": None,
    "email": "a@b.c", "name": "n", "email_verified": True, "disabled_at": None, "user_created_at": INSTANT,
    "user_updated_at": INSTANT, "workos_id": None,
    "revoked_at": None, "expired": False, "unused": True, "rate_limit": None, "expires_at": INSTANT, "verdict": "ROTATE",
    "maker_environment": None, "maker_expires_at": None,
    "environment": "live", "prefix": "sk_live_aaaa", "last4": "aaaa",
    "last_used_at": None, "created_at": INSTANT, "device": None, "ip_address": None, "user_agent": None,
    "last_seen_at": INSTANT, "permission": "things:read", "granted_by": "rpc", "is_new": True, "revoked": 1,
    "at": INSTANT, "actor": "rpc", "action": "a", "target": "t", "request_id": None, "details": {},
}  # fmt: skip
KEY_ROW = {
    name: ROW[name]
    for name in (
        "id", "name", "prefix", "last4", "environment", "scopes", "organization_id", "rate_limit", "expires_at",
        "revoked_at", "last_used_at", "created_at",
    )
}  # fmt: skip
ENTRY = {name: ROW[name] for name in ("id", "at", "actor", "action", "target", "ip_address", "request_id", "details")}


class AnyRow:
    """The service, and the statements it has sent."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        texts = {
            "INTERNAL_SECRET": SECRET, "JWT_SECRET": "j" * 32, "JWT_REFRESH_SECRET": "r" * 32,
            "PUBLIC_URL": "https://a.test/auth", "WORKOS_CLIENT_ID": "c", "WORKOS_API_KEY": "k", "ENVIRONMENT": "development",
        }  # fmt: skip
        db = FakePeer(query=self._query, transaction=self._transaction, health=lambda: {"postgres": {"status": "ok"}})
        self.bindings = FakeBindings(texts, peers={"DB": db})
        self.service: Service = build(self.bindings, Logger("auth"))

    async def ask(self, verb: str, path: str, identity: Identity, body: object = None, query: str = "") -> HttpResponse:
        """One request as the gateway passes it on; `{id}` in the path is the row's."""

        async def read() -> bytes:
            return json.dumps(body).encode()

        token = sign_identity(
            identity, audience="auth", request_id="r", secret=SECRET.encode(), now_s=self.bindings.clock.now_s()
        )
        headers = {IDENTITY_HEADER: token, "content-type": "application/json"}
        return await self.service.fetch(HttpRequest(verb, path.replace("{id}", "x"), query, headers, read), Deferred())

    def _query(self, sql: str, params: list[Any], *options: Any) -> dict[str, Any]:
        self.statements.append(sql)
        if "from audit_log" in sql:
            return {"rows": [ENTRY], "rowCount": 1}
        return {"rows": [_row(sql)], "rowCount": 1}

    def _transaction(self, statements: list[dict[str, Any]]) -> dict[str, Any]:
        """One round trip, however many statements."""
        self.statements.append("; ".join(each["sql"] for each in statements))
        return {"results": [{"rows": [_row(each["sql"])], "rowCount": 1} for each in statements]}


def _row(sql: str) -> dict[str, Any]:
    text = " ".join(sql.split())
    is_key = "insert into api_keys" in text or ("from api_keys where" in text and "users u" not in text)
    return KEY_ROW if is_key else ROW
