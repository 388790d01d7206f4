"""Who may call which endpoint: every endpoint by every kind of caller, written out by hand."""

import json
from typing import Any

import pytest

from auth.domain.roles import ROLES
from dotdo.contracts.auth import CONTRACT
from dotdo.identity import Identity
from tests.unit.auth.any_row import AnyRow


def person(role: str, **more: Any) -> Identity:
    return Identity("user", f"usr_{role}", role, permissions=ROLES[role], session_id="ses_1", **more)


def key(role: str, *scopes: str) -> Identity:
    return Identity("api_key", f"usr_{role}", role, permissions=scopes or ROLES[role], key_id="key_1")


CALLERS = {
    "nobody": Identity("anonymous"),
    "a viewer": person("viewer"),
    "a user": person("user"),
    "an administrator": person("admin"),
    "a viewer's key": key("viewer"),
    "a key for things": key("user", "things:read", "things:write"),
    "a key that reads auth": key("user", "auth:read"),
    "a key that writes auth": key("user", "auth:read", "auth:write"),
    "an administrator's key": key("admin"),
    "an administrator's key for auth": key("admin", "auth:read", "auth:write"),
    "a key that claims all": key("user", "*"),
}

EVERYBODY = set(CALLERS)
KNOWN = EVERYBODY - {"nobody"}
PEOPLE = {"a viewer", "a user", "an administrator"}
ALL_SCOPES = {"an administrator's key", "a key that claims all"}
WRITERS = PEOPLE | ALL_SCOPES | {"a key that writes auth", "an administrator's key for auth"}
READERS = WRITERS | {"a key that reads auth"}
ADMINISTRATORS = {"an administrator", "an administrator's key"}

GRANT = {"user_id": "usr_1", "resource": "things", "action": "read"}

ALLOWED: dict[tuple[str, str], tuple[set[str], Any]] = {
    ("GET", "/"): (EVERYBODY, None),
    ("GET", "/health"): (EVERYBODY, None),
    ("GET", "/.well-known/jwks.json"): (EVERYBODY, None),
    ("GET", "/login"): (EVERYBODY, None),
    ("POST", "/refresh"): (EVERYBODY, {"refresh_token": "x" * 43}),
    ("GET", "/session"): (PEOPLE, None),
    ("GET", "/sessions"): (READERS, None),
    ("DELETE", "/sessions"): (WRITERS, None),
    ("DELETE", "/sessions/{id}"): (WRITERS, None),
    ("GET", "/me"): (KNOWN, None),
    ("POST", "/apikeys"): (WRITERS, {"name": "n", "scopes": []}),
    ("GET", "/apikeys"): (READERS, None),
    ("GET", "/apikeys/{id}"): (READERS, None),
    ("DELETE", "/apikeys/{id}"): (WRITERS, None),
    ("POST", "/apikeys/{id}/rotate"): (WRITERS, {"overlap_hours": 0}),
    ("POST", "/check-permission"): (KNOWN, {"resource": "things", "action": "read"}),
    ("GET", "/permissions"): (ADMINISTRATORS, "user_id=usr_1"),
    ("POST", "/permissions"): (ADMINISTRATORS, GRANT),
    ("DELETE", "/permissions"): (ADMINISTRATORS, GRANT),
    ("GET", "/users"): (ADMINISTRATORS, None),
    ("PATCH", "/users/{id}"): (ADMINISTRATORS, {"role": "viewer"}),
    ("GET", "/audit"): (ADMINISTRATORS, None),
}

# Shown with WorkOS, in tests of their own.
ELSEWHERE = ("/callback", "/logout", "/sso", "/directories", "/webhooks")


def test_no_endpoint_is_left_out() -> None:
    rows = {(row.verb, row.path) for row in CONTRACT.endpoints if not row.path.startswith(ELSEWHERE)}
    assert rows == set(ALLOWED)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("verb", "path"), ALLOWED)
async def test_who_may_and_nobody_else(verb: str, path: str, caller: str) -> None:
    auth, (allowed, given) = AnyRow(), ALLOWED[verb, path]
    query = given if isinstance(given, str) else ""
    response = await auth.ask(verb, path, CALLERS[caller], given, query)
    if caller in allowed:
        # The key that is rotated may do more than the caller: the one thing that is refused after it was looked up.
        assert response.status < 400 or json.loads(response.body)["code"] == "SCOPE_EXCEEDS_OWNER", response.body
        return
    assert response.status == (401 if caller == "nobody" or path == "/session" else 403)
    assert json.loads(response.body)["code"] in ("UNAUTHENTICATED", "NO_SESSION", "FORBIDDEN")
    assert auth.statements == [], "nothing is asked for who may not"


@pytest.mark.parametrize("path", ["/users/{id}", "/permissions"])
@pytest.mark.parametrize("caller", ["an administrator", "an administrator's key"])
async def test_nobody_changes_his_own_rights(caller: str, path: str) -> None:
    auth, identity = AnyRow(), CALLERS[caller]
    own = {**GRANT, "user_id": identity.subject}
    path = path.replace("{id}", identity.subject)
    for verb, body in [("PATCH", {"role": "admin"})] if path.startswith("/users") else [("POST", own), ("DELETE", own)]:
        assert (await auth.ask(verb, path, identity, body)).status == 403
    assert auth.statements == []


@pytest.mark.parametrize(("role", "permissions"), [("user", ("*",)), ("Admin", ("*",)), ("", ("*",)), ("admin", ())])
async def test_neither_the_role_alone_nor_the_permissions_alone_make_an_administrator(
    role: str, permissions: tuple[str, ...]
) -> None:
    identity = Identity("user", "usr_x", role, permissions=permissions, session_id="ses_1")
    assert (await AnyRow().ask("GET", "/users", identity)).status == 403
