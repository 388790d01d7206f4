"""A change by cookie is believed from our own pages alone."""

import pytest

from dotdo.csrf import check_opened, check_same_site
from dotdo.errors import ServiceError

ALLOWED = {"https://apis.do", "https://admin.do", "null"}
COOKIE = {"cookie": "__Host-session=x"}


@pytest.mark.parametrize(
    "headers",
    [
        {**COOKIE, "origin": "https://apis.do"},
        {**COOKIE, "origin": "https://admin.do", "sec-fetch-site": "cross-site"},
        {**COOKIE, "sec-fetch-site": "same-origin"},
        {"authorization": "Bearer sk_live_x"},
        {**COOKIE, "authorization": "Bearer sk_live_x", "origin": "https://evil.example"},
        {},
        {"cookie": "", "origin": "https://evil.example"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_from_our_own_pages(method: str, headers: dict[str, str]) -> None:
    check_same_site(method, headers, ALLOWED)


@pytest.mark.parametrize(
    "headers",
    [
        COOKIE,
        {"cookie": "any=thing"},
        {**COOKIE, "origin": "https://evil.example"},
        {**COOKIE, "origin": "null"},
        {**COOKIE, "origin": ""},
        {**COOKIE, "origin": "http://apis.do"},
        {**COOKIE, "origin": "https://apis.do.evil.example"},
        {**COOKIE, "origin": "https://apis.do:8443"},
        {**COOKIE, "origin": "https://APIS.do"},
        {**COOKIE, "sec-fetch-site": "same-site"},
        {**COOKIE, "sec-fetch-site": "none"},
        {**COOKIE, "sec-fetch-site": "cross-site"},
        {**COOKIE, "referer": "https://apis.do/"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "INVENTED"])
def test_from_anywhere_else(method: str, headers: dict[str, str]) -> None:
    with pytest.raises(ServiceError) as refused:
        check_same_site(method, headers, ALLOWED)
    assert (refused.value.code, refused.value.status) == ("CSRF", 403)


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({**COOKIE, "origin": "https://other.apis.do", "sec-fetch-site": "same-site"}, False),
        (COOKIE, False),
        ({**COOKIE, "origin": "https://apis.do"}, True),
        ({**COOKIE, "sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://other.apis.do", "sec-fetch-site": "same-site"}, True),
        ({"cookie": ""}, True),
        ({}, True),
    ],
    ids=str,
)
def test_no_authorization_speaks_for_cookies_that_are_handled_all_the_same(
    headers: dict[str, str], taken: bool
) -> None:
    """A page of another origin may add any Authorization, and its browser the cookie; a client of the API has no cookie."""
    headers = {**headers, "authorization": "Bearer x"}
    check_same_site("POST", headers, ALLOWED)
    if taken:
        check_same_site("POST", headers, ALLOWED, handles_cookies=True)
        return
    with pytest.raises(ServiceError, match="CSRF"):
        check_same_site("POST", headers, ALLOWED, handles_cookies=True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_no_change(method: str) -> None:
    check_same_site(method, {**COOKIE, "origin": "https://evil.example"}, ALLOWED)


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "https://apis.do"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({}, True),
        ({"authorization": "Bearer sk_live_x", "origin": "https://evil.example"}, True),
    ],
    ids=str,
)
def test_what_takes_cookies_away_heeds_no_other_site_even_without_one(headers: dict[str, str], taken: bool) -> None:
    """Another site's form brings no cookie, yet the browser would do as the answer says."""
    if taken:
        check_same_site("POST", headers, ALLOWED, takes_cookies_away=True)
        return
    with pytest.raises(ServiceError, match="CSRF"):
        check_same_site("POST", headers, ALLOWED, takes_cookies_away=True)


@pytest.mark.parametrize(
    ("method", "site", "destination", "passes"),
    [
        ("GET", "cross-site", "document", True), ("GET", "cross-site", None, True), ("GET", "none", "document", True),
        ("GET", "same-origin", "empty", True), ("POST", "same-origin", "document", True), ("POST", None, None, True),
        ("GET", "same-site", "image", True), ("GET", "cross-site", "image", False), ("GET", "cross-site", "iframe", False),
        ("GET", "cross-site", "empty", False), ("POST", "cross-site", "document", False),
        ("POST", "cross-site", "empty", False),
    ],
)  # fmt: skip
def test_another_sites_page_opens_ours_and_loads_none_on_the_side(
    method: str, site: str | None, destination: str | None, passes: bool
) -> None:
    sent = {"sec-fetch-site": site, "sec-fetch-dest": destination}
    headers = {name: value for name, value in sent.items() if value is not None}
    if passes:
        check_opened(method, headers)
        return
    with pytest.raises(ServiceError) as refused:
        check_opened(method, headers)
    assert (refused.value.status, refused.value.code) == (403, "CSRF")
