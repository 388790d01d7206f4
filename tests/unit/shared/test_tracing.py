"""dotdo.tracing: request ids and W3C trace context, continued where they are well formed and else begun."""

import contextvars
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo import tracing
from dotdo.tracing import Trace, begin, current, current_request_id, trace_from, under_way

OUR_REQUEST_ID = re.compile(r"req_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NEW_TRACE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01")
TRACE_ID, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@given(st.text(max_size=140) | st.text(alphabet="aZ09_.-", min_size=120, max_size=140))
def test_a_request_id_is_kept_only_when_it_is_harmless(given_id: str) -> None:
    kept = trace_from({"x-request-id": given_id}).request_id
    if re.fullmatch(r"[A-Za-z0-9_.\-]{1,128}", given_id):
        assert kept == given_id
    else:
        assert OUR_REQUEST_ID.fullmatch(kept)


@pytest.mark.parametrize(
    ("given_id", "kept"),
    [("a", True), ("A-z_0.9", True), ("a" * 128, True), ("a" * 129, False), ("", False), ("a\n", False), ("a b", False),
     ("é", False), ("a/b", False), ("\u0661", False)],
)  # fmt: skip
def test_a_request_id_has_up_to_128_characters(given_id: str, kept: bool) -> None:
    assert (trace_from({"x-request-id": given_id}).request_id == given_id) is kept


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_trace_is_continued_with_a_span_of_our_own(flags: str) -> None:
    """And the flags are the caller's: whether it is sampled is decided already."""
    ours = trace_from({"traceparent": f"00-{TRACE_ID}-{SPAN}-{flags}"})
    assert re.fullmatch(rf"00-{TRACE_ID}-(?!{SPAN}|0{{16}})[0-9a-f]{{16}}-{flags}", ours.traceparent)
    assert ours.trace_id == TRACE_ID


@pytest.mark.parametrize(
    "header",
    [
        "", "x", f"ff-{TRACE_ID}-{SPAN}-01", f"01-{TRACE_ID}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01", f"00-{TRACE_ID}-{SPAN}", f"00-{TRACE_ID}-{SPAN}-01\n", f" 00-{TRACE_ID}-{SPAN}-01",
        f"00-{TRACE_ID.upper()}-{SPAN}-01", f"00-{TRACE_ID}-{SPAN}-0g", f"00-{TRACE_ID}-{SPAN}-01-00",
        f"00-{TRACE_ID}a-{SPAN}-01", f"00-{TRACE_ID[1:]}-{SPAN}-01",
    ],
)  # fmt: skip
def test_a_broken_trace_is_replaced_by_a_new_one(header: str) -> None:
    ours = trace_from({"traceparent": header})
    assert NEW_TRACE.fullmatch(ours.traceparent)
    assert ours.trace_id != TRACE_ID


def test_no_two_requests_share_what_is_made_for_them() -> None:
    one, other = trace_from({}), trace_from({})
    for ours in (one, other):
        assert OUR_REQUEST_ID.fullmatch(ours.request_id)
        assert NEW_TRACE.fullmatch(ours.traceparent)
        assert ours.traceparent[36:52] not in ours.trace_id
    assert one.request_id != other.request_id
    assert one.trace_id != other.trace_id
    assert one.traceparent[36:52] != other.traceparent[36:52], "the spans neither"


def test_both_ids_go_to_every_call() -> None:
    traceparent = f"00-{TRACE_ID}-{SPAN}-01"
    assert Trace("req_1", traceparent).headers == {"x-request-id": "req_1", "traceparent": traceparent}
    assert (tracing.REQUEST_ID_HEADER, tracing.TRACEPARENT_HEADER) == ("x-request-id", "traceparent")


def test_work_that_no_request_began_has_a_trace_of_its_own() -> None:
    def work() -> None:
        assert (under_way(), current_request_id()) == (None, None)
        begun = current()
        assert NEW_TRACE.fullmatch(begun.traceparent)
        assert begun == current() == under_way()
        theirs = Trace("req_1", f"00-{TRACE_ID}-{SPAN}-01")
        assert begin(theirs) == current() == theirs
        assert current_request_id() == "req_1"

    contextvars.Context().run(work)
