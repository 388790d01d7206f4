"""dotdo.cookies: by their exact names, for this host alone."""

import pytest

from dotdo.cookies import read_cookie, set_cookie


@pytest.mark.parametrize(
    "header", ["mysession=a", "no_session=a", "session", "xsession=a; Session=b", "__Host-session=a", ""]
)
def test_a_cookie_is_read_by_its_exact_name(header: str) -> None:
    assert read_cookie(header, "session", secure=False) is None


@pytest.mark.parametrize("header", ["session=a", "__Secure-session=a", "__host-session=a"])
def test_a_cookie_without_its_prefix_is_none(header: str) -> None:
    """A page of a subdomain can set one for all of the site, but none that is __Host-."""
    assert read_cookie(header, "session", secure=True) is None


@pytest.mark.parametrize(
    ("secure", "path", "text"),
    [
        (True, "/", "__Host-session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"),
        (True, "/auth", "__Secure-session=abc; Path=/auth; Max-Age=60; HttpOnly; SameSite=Lax; Secure"),
        (False, "/", "session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"),
        (False, "/auth", "session=abc; Path=/auth; Max-Age=60; HttpOnly; SameSite=Lax"),
    ],
)
def test_cookies_are_for_this_host_alone(secure: bool, path: str, text: str) -> None:
    assert set_cookie("session", "abc", max_age_s=60, secure=secure, path=path) == ("set-cookie", text)
    pair = text.partition(";")[0]
    assert read_cookie(f"a=b;  {pair}; c=d", "session", secure=secure, path=path) == "abc"


def test_a_cookie_that_stands_there_twice_is_the_first_one() -> None:
    assert read_cookie("session=x=y; session=z", "session", secure=False) == "x=y"
