"""Ids, instants, traces, cursors, cookies, permissions and log lines."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.cookies import read_cookie, set_cookie
from dotdo.errors import ServiceError
from dotdo.ids import random_base62, ulid, uuid7
from dotdo.instants import rfc3339
from dotdo.log import Logger
from dotdo.paging import decode_cursor, encode_cursor
from dotdo.permissions import covers
from dotdo.tracing import trace_from


def test_ids_sort_by_time_and_have_their_form() -> None:
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuid7())
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", ulid())
    assert len({random_base62(32) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("epoch_s", "text"), [(0, "1970-01-01T00:00:00.000Z"), (1_790_000_000.1239, "2026-09-21T14:13:20.123Z")]
)
def test_instants_are_utc_with_milliseconds(epoch_s: float, text: str) -> None:
    assert rfc3339(epoch_s) == text


@given(st.text(max_size=140))
def test_a_request_id_is_kept_only_when_it_is_harmless(given_id: str) -> None:
    kept = trace_from({"x-request-id": given_id}).request_id
    if re.fullmatch(r"[A-Za-z0-9_.\-]{1,128}", given_id):
        assert kept == given_id
    else:
        assert kept.startswith("req_")


TRACE_ID, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_trace_is_continued_with_a_span_of_our_own() -> None:
    ours = trace_from({"traceparent": f"00-{TRACE_ID}-{SPAN}-00"}).traceparent
    assert re.fullmatch(rf"00-{TRACE_ID}-(?!{SPAN})[0-9a-f]{{16}}-00", ours)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        f"ff-{TRACE_ID}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-{SPAN}",
    ],
)
def test_a_broken_trace_is_replaced(header: str) -> None:
    assert TRACE_ID not in trace_from({"traceparent": header}).traceparent


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_cursor_holds_its_key(key: list[str]) -> None:
    assert decode_cursor(encode_cursor(key), len(key)) == key


@given(st.text())
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    try:
        key = decode_cursor(cursor, 2)
    except ServiceError as error:
        assert (error.code, error.status) == ("INVALID_ARGUMENT", 400)
    else:
        assert len(key) == 2


@pytest.mark.parametrize(
    "header", ["mysession=a", "no_session=a", "session", "xsession=a; Session=b", "__Host-session=a"]
)
def test_a_cookie_is_read_by_its_exact_name(header: str) -> None:
    assert read_cookie(header, "session", secure=False) is None


def test_cookies_are_for_this_host_alone() -> None:
    name, value = set_cookie("session", "abc", max_age_s=60, secure=True)
    assert name == "set-cookie"
    assert value == "__Host-session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
    assert read_cookie("a=b;  __Host-session=x=y; c=d", "session", secure=True) == "x=y"


@pytest.mark.parametrize(
    ("granted", "wanted", "result"),
    [
        ("*", "things:read", True),
        ("things:*", "things:write", True),
        ("things:read", "things:read", True),
        ("things:read", "things:write", False),
        ("things", "things:read", False),
        ("thing:*", "things:read", False),
        ("things:*", "*", False),
        ("", "things:read", False),
        (":*", "things:read", False),
    ],
)
def test_permissions_cover_what_they_say(granted: str, wanted: str, result: bool) -> None:
    assert covers(granted, wanted) is result


SECRETS = ["sk_test_" + "a" * 38, "eyJhbGciOi.eyJzdWIi.c2ln", "postgresql://user:pass@host/db"]


@given(st.sampled_from(SECRETS), st.text(alphabet="abc :/=", max_size=10), st.sampled_from(["detail", "path", "error"]))
def test_no_secret_gets_into_a_log_line(secret: str, around: str, field: str) -> None:
    lines: list[str] = []
    Logger("test", lines.append).info("event", **{field: f"{around} {secret} {around}", "nested": {"list": [secret]}})
    assert len(lines) == 1
    assert secret not in lines[0] and "\n" not in lines[0]


@pytest.mark.parametrize("field", ["password", "Authorization", "set_cookie", "api_key", "jwt_secret", "refresh_token"])
def test_fields_that_name_a_secret_are_blanked(field: str) -> None:
    lines: list[str] = []
    Logger("test", lines.append).warn("event", **{field: "plain"})
    line = json.loads(lines[0])
    assert (line[field], line["level"], line["service"]) == ("[redacted]", "warn", "test")
