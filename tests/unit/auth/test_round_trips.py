"""How often each RPC method and each HTTP endpoint asks the database, from the call to its answer; none is left out."""

from contextlib import suppress
from typing import Any

import pytest

from auth.domain import api_keys, refresh_tokens
from auth.domain.access_tokens import AccessTokens, Bearer
from dotdo.contracts.auth import CONTRACT
from dotdo.errors import ServiceError
from dotdo.fakes import Deferred
from dotdo.identity import Identity
from tests.unit.auth.any_row import AnyRow

KEY, TOKEN = api_keys.generate("live"), refresh_tokens.generate()
ACCESS = "an access token"
ADMIN = Identity("user", "usr_admin", "admin", permissions=("*",), session_id="x")

USER = {"userId": "usr_1"}
CHECK = {"resource": "things", "action": "read"}
GRANT = {"user_id": "usr_1", **CHECK}

METHODS: dict[str, tuple[int, list[Any]]] = {
    "verify": (1, [KEY]),
    "verify, a token": (1, [ACCESS]),
    "verify, a wrong checksum": (0, [KEY[:-1] + "_"]),
    "validateToken": (1, [KEY]),
    "validateToken, of a session": (1, [ACCESS]),
    "validateApiKey": (1, [KEY]),
    "validateSession": (1, [ACCESS]),
    "createApiKey": (2, [{**USER, "name": "n"}]),
    "rotateApiKey": (2, ["usr_1", "x"]),
    "listApiKeys": (1, ["usr_1"]),
    "revokeApiKey": (1, ["usr_1", "x"]),
    "checkPermission": (1, [{**USER, **CHECK}]),
    "grantPermission": (1, ["usr_1", "things", "read"]),
    "revokePermission": (1, ["usr_1", "things", "read"]),
    "listPermissions": (1, ["usr_1"]),
    "createSession": (1, ["usr_1"]),
    "getSession": (1, ["x"]),
    "listSessions": (1, ["usr_1"]),
    "revokeSession": (1, ["x"]),
    "revokeAllSessions": (1, ["usr_1"]),
    "refreshSession": (1, [TOKEN]),
    "refreshSession, malformed": (0, [TOKEN[1:]]),
    "getUser": (1, ["usr_1"]),
    "updateUserRole": (1, ["usr_1", "user"]),
    "jwks": (0, []),
    "health": (0, []),  # db is asked how it is, not for a row
}

ENDPOINTS: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {
    ("GET", "/"): (0, {}),
    ("GET", "/health"): (0, {}),
    ("GET", "/.well-known/jwks.json"): (0, {}),
    ("GET", "/login"): (0, {}),
    ("POST", "/refresh"): (2, {"refresh_token": TOKEN}),  # whose it is first: a refusal must not have used it up
    ("GET", "/session"): (1, {}),
    ("GET", "/sessions"): (1, {}),
    ("DELETE", "/sessions"): (1, {}),
    ("DELETE", "/sessions/{id}"): (1, {}),
    ("GET", "/me"): (1, {}),
    ("POST", "/apikeys"): (2, {"name": "n"}),
    ("GET", "/apikeys"): (1, {}),
    ("GET", "/apikeys/{id}"): (1, {}),
    ("DELETE", "/apikeys/{id}"): (1, {}),
    ("POST", "/apikeys/{id}/rotate"): (2, {"overlap_hours": 1}),
    ("POST", "/check-permission"): (1, CHECK),
    ("GET", "/permissions"): (1, {"?": "user_id=usr_1"}),
    ("POST", "/permissions"): (1, GRANT),
    ("DELETE", "/permissions"): (1, GRANT),
    ("GET", "/users"): (1, {}),
    ("PATCH", "/users/{id}"): (1, {"role": "viewer"}),
    ("GET", "/audit"): (1, {}),
}

# What goes by WorkOS: signing in and out are counted below, what is for administrators and webhooks is not.
BY_WORKOS = frozenset({"getWorkOSAuthURL", "exchangeWorkOSCode"})
BY_WORKOS_PATHS = ("/callback", "/logout", "/sso", "/directories", "/webhooks")


def test_no_method_and_no_endpoint_is_left_out() -> None:
    assert {method.name for method in CONTRACT.methods} - BY_WORKOS == {name.partition(",")[0] for name in METHODS}
    rows = {(row.verb, row.path) for row in CONTRACT.endpoints if not row.path.startswith(BY_WORKOS_PATHS)}
    assert rows == set(ENDPOINTS)


@pytest.mark.parametrize("name", METHODS)
async def test_a_method_asks_so_often(name: str) -> None:
    auth, (count, params) = AnyRow(), METHODS[name]
    if params == [ACCESS]:
        params = [await AccessTokens(auth.bindings).issue(Bearer("usr_1", "x", "user", None, []))]
    with suppress(ServiceError):
        await auth.service.call(name.partition(",")[0], params, Deferred())
    assert len(auth.statements) == count


@pytest.mark.parametrize(("verb", "path"), ENDPOINTS)
async def test_an_endpoint_asks_so_often(verb: str, path: str) -> None:
    auth, (count, body) = AnyRow(), ENDPOINTS[verb, path]
    response = await auth.ask(verb, path, ADMIN, body, body.get("?", ""))
    assert response.status < 400, response.body
    assert len(auth.statements) == count


async def test_signing_in_asks_three_times_and_out_once(browser: Any) -> None:
    """The state that is used up, the account (one transaction), the session."""
    db = browser.bindings.peers["DB"]
    state = await browser.begin()
    assert db.calls == []
    assert (await browser.get(f"/callback?code=c1&state={state}")).status == 303
    assert [method for method, _ in db.calls] == ["query", "transaction", "transaction"]
    signed_in = Identity("user", "usr_1", "user", session_id="ses_1")
    assert (await browser.send("POST", "/logout", signed_in, **{"sec-fetch-site": "same-origin"})).status == 200
    assert len(db.calls) == 4


@pytest.mark.parametrize("query", ["", "?code=c1", "?code=c1&state=foreign"])
async def test_a_return_that_does_not_fit_asks_nothing(browser: Any, query: str) -> None:
    await browser.begin()
    assert (await browser.get(f"/callback{query}")).status == 400
    assert browser.bindings.peers["DB"].calls == []
