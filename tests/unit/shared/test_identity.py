"""dotdo.identity: what the gateway vouches for, for one service and one minute."""

import base64
import json
from typing import Any

import pytest

from dotdo import jws
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings
from dotdo.identity import Identity, internal_secret, sign_identity, verify_identity

SECRET = b"s" * 32
NOW = 1_790_000_000
ADMIN = Identity("api_key", "usr_1", "admin", "org_1", ("*",), "key_1")
CLAIMS: dict[str, Any] = {
    "iss": "dotdo-gateway", "aud": "db", "iat": NOW, "exp": NOW + 60, "rid": "req_1", "sub": "usr_1", "kind": "user",
    "role": "viewer", "org": "org_1", "permissions": ["things:read"], "kid": "", "sid": "ses_1", "ip": "203.0.113.7",
}  # fmt: skip


def refusal_of(header: str | None, audience: str = "db", secret: bytes = SECRET, now_s: float = NOW) -> str | None:
    """The code, None for what is believed."""
    try:
        verify_identity(header, audience=audience, secret=secret, now_s=now_s)
    except ServiceError as refused:
        assert (refused.status, refused.headers) == (401, {"www-authenticate": "Bearer"})
        return refused.code
    return None


def test_a_header_says_all_that_is_known_of_the_caller_and_no_more() -> None:
    viewer = Identity("user", "usr_1", "viewer", "org_1", ("things:read",), "", "ses_1", "203.0.113.7")
    header = sign_identity(viewer, audience="db", request_id="req_1", secret=SECRET, now_s=NOW + 0.9)
    head, body, _ = (base64.urlsafe_b64decode(part + "==") for part in header.split("."))
    assert json.loads(head) == {"alg": "HS256", "typ": "dotdo-identity+jwt"}
    assert json.loads(body) == CLAIMS
    assert verify_identity(header, audience="db", secret=SECRET, now_s=NOW) == viewer


@pytest.mark.parametrize("identity", [ADMIN, Identity("anonymous"), Identity("anonymous", address="2001:db8::1")])
def test_whoever_it_is_comes_back(identity: Identity) -> None:
    header = sign_identity(identity, audience="db", request_id="r", secret=SECRET, now_s=NOW)
    assert verify_identity(header, audience="db", secret=SECRET, now_s=NOW) == identity


def test_an_identity_is_for_one_service_and_one_minute() -> None:
    """With five seconds for clocks that differ."""
    header = sign_identity(ADMIN, audience="db", request_id="r", secret=SECRET, now_s=NOW)
    assert [refusal_of(header, now_s=NOW + age_s) is None for age_s in (-6, -5, 64, 65)] == [False, True, True, False]
    assert refusal_of(header, audience="auth") == "UNAUTHENTICATED"
    assert refusal_of(header, secret=b"x" * 32) == "UNAUTHENTICATED"


@pytest.mark.parametrize("header", [None, "", "x", "a.b.c", "anonymous"])
def test_nobody_is_vouched_for_without_a_header(header: str | None) -> None:
    assert refusal_of(header) == "UNAUTHENTICATED"


def test_another_token_of_the_same_secret_is_no_identity() -> None:
    assert refusal_of(jws.sign(CLAIMS, SECRET, "dotdo-identity+jwt")) is None
    assert refusal_of(jws.sign(CLAIMS, SECRET, "at+jwt")) == "UNAUTHENTICATED"
    assert refusal_of(jws.sign({**CLAIMS, "iss": "dotdo-auth"}, SECRET, "dotdo-identity+jwt")) == "UNAUTHENTICATED"


def test_only_the_role_with_every_permission_is_admin() -> None:
    assert ADMIN.is_admin
    assert not Identity("api_key", "usr_1", "admin", "", ("things:read",)).is_admin
    assert not Identity("user", "usr_1", "user", "", ("*",)).is_admin


@pytest.mark.parametrize(
    ("secret", "taken"), [("s" * 32, True), ("é" * 16, True), ("s" * 31, False), ("é" * 15, False)]
)
def test_the_secret_between_the_services_has_thirty_two_bytes(secret: str, taken: bool) -> None:
    bindings = FakeBindings({"INTERNAL_SECRET": secret})
    if taken:
        assert internal_secret(bindings) == secret.encode()
        return
    with pytest.raises(ServiceError, match="NOT_CONFIGURED: INTERNAL_SECRET: shorter than 32 bytes"):
        internal_secret(bindings)
