"""Who is sent to sign in, and who gets the 401: a browser that opens a page, and everybody else."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dotdo.http import HttpResponse

URL = "https://api.test/auth/login"
OPENS = {
    "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none",
    "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
}  # fmt: skip


def unauthenticated(response: Any) -> bool:
    return isinstance(response, HttpResponse) and (response.status, json.loads(response.body)["status"]) == (401, 401)


@pytest.mark.parametrize("cookie", [{}, {"cookie": "__Host-session=ended"}], ids=["no session", "one that has ended"])
@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/db/things/a/b", "/db/things/a/b"),
        ("/schedule", "/schedule"),
        ("/db/things?ns=a&x=%2F%26&y=é", "/db/things?ns=a&x=%2F%26&y=%C3%A9"),
        ("/db/things?q=a\\b|c", "/db/things?q=a%5Cb%7Cc"),
        ("/db/things?q=" + "|" * 500, None),
        ("//db//things/../things/%61", "/db/things/a"),
        ("/db/" + "x" * 2000, None),
    ],
)
async def test_a_browser_that_opens_a_page_signs_in_and_comes_back(
    open_stage: Any, path: str, back: str | None, cookie: dict[str, str]
) -> None:
    stage = open_stage(LOGIN_URL=URL)
    response = await stage.ask("GET", path, {**OPENS, **cookie})
    assert (response.status, response.body) == (302, "")
    headers = dict(response.headers)
    assert headers["cache-control"] == "no-store"
    assert headers["x-request-id"].startswith("req_")
    target = urlsplit(headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == URL
    assert parse_qs(target.query) == ({"return_to": [back]} if back else {})
    assert stage.arrived() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"sec-fetch-mode": None}, {"sec-fetch-mode": "cors"}, {"sec-fetch-mode": "no-cors"}, {"sec-fetch-mode": "websocket"},
        {"sec-fetch-dest": "iframe"}, {"sec-fetch-dest": "empty"}, {"sec-fetch-dest": None}, {"accept": "application/json"},
        {"accept": "*/*"}, {"accept": None}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"},
    ],
    ids=str,
)  # fmt: skip
async def test_everybody_else_gets_the_401(open_stage: Any, change: dict[str, str | None]) -> None:
    stage = open_stage(LOGIN_URL=URL)
    headers = {name: value for name, value in {**OPENS, **change}.items() if value is not None}
    response = await stage.ask("GET", "/db/things", headers)
    assert unauthenticated(response)
    assert ("www-authenticate", "Bearer") in response.headers


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_only_what_is_read_is_come_back_to(open_stage: Any, method: str) -> None:
    assert unauthenticated(await open_stage(LOGIN_URL=URL).ask(method, "/db/things", OPENS))


@pytest.mark.parametrize(("url", "host"), [("", "api.test"), (URL, "db.mw"), (URL, "api.test:8443")])
async def test_where_signing_in_would_not_help_nobody_is_sent(open_stage: Any, url: str, host: str) -> None:
    assert unauthenticated(await open_stage(LOGIN_URL=url).ask("GET", "/db/things", OPENS, host=host))


async def test_who_may_not_is_told_so(open_stage: Any) -> None:
    stage = open_stage(LOGIN_URL=URL)
    response = await stage.ask("GET", "/schedule", {**OPENS, "cookie": "__Host-session=session-token"})
    assert response.status == 403


async def test_auth_decides_for_itself(open_stage: Any) -> None:
    stage = open_stage(LOGIN_URL=URL)
    assert (await stage.ask("GET", "/auth/session", OPENS)).status == 207


async def test_while_auth_is_down_nobody_is_sent_there(open_stage: Any, auth_is_down: Any) -> None:
    stage = open_stage(LOGIN_URL=URL, auth=auth_is_down)
    assert (await stage.ask("GET", "/db/things", {**OPENS, "cookie": "__Host-session=x"})).status == 503
