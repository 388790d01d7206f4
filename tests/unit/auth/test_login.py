"""Where a sign-in may return to, and which browser may finish it."""

import pytest

from auth.domain import login
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings

ALLOWED = ["https://admin.do"]


@pytest.mark.parametrize("target", ["/", "/auth/session", "/a?b=c#d", "https://admin.do/x", "https://admin.do"])
def test_own_paths_and_listed_origins_are_allowed(target: str) -> None:
    assert login.safe_return_to(target, ALLOWED) == target


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/",
        "http://admin.do/", "https://admin.do.evil.example/", "https://admin.do@evil.example/",
        "https://evil.example/https://admin.do", "javascript:alert(1)", "", "admin.do", "/\t/evil.example", "/\n",
        "https://admin.do:444/", "data:text/html,x",
    ],
)  # fmt: skip
def test_everything_else_is_refused(target: str) -> None:
    with pytest.raises(ServiceError) as refused:
        login.safe_return_to(target, ALLOWED)
    assert refused.value.code == "INVALID_ARGUMENT"


def test_a_destination_is_no_longer_than_a_cookie_holds(bindings: FakeBindings) -> None:
    """Browsers drop a cookie of more than 4096 bytes, name and value (RFC 6265 §6.1), and say nothing."""
    longest = "/" + "a" * 1023
    pending = login.begin(bindings, login.safe_return_to(longest, []), organization="o" * 512, connection="c" * 512)
    assert len("__Host-login=" + login.seal(login.AUTHKIT, pending, bindings)) <= 4096
    for longer in (longest + "a", "/" + "é" * 200):
        with pytest.raises(ServiceError, match="return_to: longer than 1024 characters"):
            login.safe_return_to(longer, [])


@pytest.fixture
def bindings() -> FakeBindings:
    return FakeBindings({"JWT_SECRET": "j" * 32})


def test_the_browser_that_began_may_go_on(bindings: FakeBindings) -> None:
    pending = login.begin(bindings, "/here", organization="org_1")
    assert login.resume(login.AUTHKIT, login.seal(login.AUTHKIT, pending, bindings), pending.state, bindings) == pending
    assert len(pending.challenge) == 43
    assert pending.verifier not in pending.challenge


def test_a_missing_foreign_or_old_cookie_is_refused(bindings: FakeBindings) -> None:
    pending = login.begin(bindings, "/here", organization="org_1")
    cookie = login.seal(login.AUTHKIT, pending, bindings)
    for stored, state in (
        (None, pending.state),
        (cookie, None),
        (cookie, login.begin(bindings, "/").state),
        (cookie + "x", pending.state),
    ):
        with pytest.raises(ServiceError) as refused:
            login.resume(login.AUTHKIT, stored, state, bindings)
        assert refused.value.code == "LOGIN_FAILED"
    bindings.clock.now += 599
    assert login.resume(login.AUTHKIT, cookie, pending.state, bindings) == pending
    bindings.clock.now += 1
    with pytest.raises(ServiceError, match="LOGIN_FAILED: the sign-in took too long"):
        login.resume(login.AUTHKIT, cookie, pending.state, bindings)
