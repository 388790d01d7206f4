"""However a request is written, it reaches no Worker its caller may not reach: tried on the real runtime, byte by byte."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.mapped import Answer, ask, authorization
from tests.e2e.platform import Platform

DETOURS = [
    "/",
    "/.",
    "/..",
    "/%2e",
    "/x/..",
    "/%2e%2E",
    "/.%2e",
    "%2f",
    "%5c",
    "\\",
    "%252e",
    ";a=b",
    "%00",
    "%09",
    "?",
    "%3f",
]
SPOOFS = {
    "x-dotdo-identity": "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.", "x-user-role": "admin", "x-user-id": "usr_admin",
    "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "auth.services.do", "forwarded": "for=127.0.0.1;host=auth.services.do",
    "x-original-url": "/auth/x", "x-rewrite-url": "/auth/x", "x-http-method-override": "GET", "cf-worker": "trusted.do",
    "connection": "close, x-dotdo-identity, authorization", "cookie": "session=admin;*;x", "authorization": "Bearer",
}  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]


@st.composite
def spellings(draw: st.DrawFn, first: str, second: str) -> str:
    def segment(name: str) -> str:
        escaped = (draw(st.sampled_from([letter, f"%{ord(letter):02x}", letter.upper()])) for letter in name)
        return draw(st.sampled_from([name, "".join(escaped)]))

    def detour() -> str:
        return "".join(draw(st.lists(st.sampled_from(DETOURS), max_size=3)))

    start = draw(st.sampled_from(["", "/db", "/auth", "/nowhere"]))
    return f"{start}{detour()}/{segment(first)}{detour()}/{segment(second)}{detour()}"


TARGETS = st.one_of(spellings("schedule", "tasks"), spellings("db", "things"), spellings("admin", "users")).filter(
    lambda target: target.startswith("/")
)
CLAIMS = st.dictionaries(st.sampled_from(sorted(SPOOFS)), st.none(), max_size=3).map(
    lambda names: {name: SPOOFS[name] for name in names}
)
thorough = settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def asked(platform: Platform, *args: Any) -> Answer:
    return asyncio.run(ask(platform, *args))


@thorough
@given(st.sampled_from(METHODS), TARGETS, CLAIMS, st.sampled_from(["api.test", "db.mw", "admin.do"]))
def test_nobody_reaches_more_than_auth(
    platform: Platform, method: str, target: str, claims: dict[str, str], host: str
) -> None:
    answer = asked(platform, method, target, {name: value for name, value in claims.items() if name != "cookie"}, host)
    assert answer.service in ("", "auth"), answer
    assert answer.status < 500


@thorough
@given(st.sampled_from(METHODS), TARGETS, CLAIMS, st.sampled_from(["api.test", "db.mw", "admin.do"]))
def test_a_viewer_reaches_no_more_than_reading_db(
    platform: Platform, method: str, target: str, claims: dict[str, str], host: str
) -> None:
    answer = asked(platform, method, target, {**claims, **authorization("viewer")}, host)
    assert answer.service in ("", "auth") or (answer.service == "db" and method in ("GET", "OPTIONS")), answer
    assert answer.status < 500
