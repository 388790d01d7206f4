"""dotdo.rpc: both ends of `callJson`, and what comes over it that nobody sent on purpose."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from dotdo.rpc import JsonPeer, error_envelope, ok_envelope, parse_call, rejection_message
from dotdo.tracing import Trace, begin

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["method", "params", "trace", "ok", "error", "code", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


class Wire:
    """Delivers to nobody: keeps the text and answers with what it was given."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self.sent = ""

    async def __call__(self, text: str) -> str:
        self.sent = text
        return self._answer


@given(st.text(), st.lists(JSON, max_size=4))
async def test_a_call_arrives_as_it_was_made(method: str, params: list[Any]) -> None:
    wire = Wire(ok_envelope("null"))
    begin(Trace("req_1", "00-a-b-01"))
    assert await JsonPeer("db", wire).call(method, *params) is None
    assert parse_call(wire.sent) == (method, params, Trace("req_1", "00-a-b-01"))


@given(JSON.map(json.dumps) | st.text())
def test_what_is_no_call_is_refused(text: str) -> None:
    try:
        method, params, trace = parse_call(text)
    except ValueError:
        return
    assert isinstance(method, str)
    assert isinstance(params, list)
    assert trace is None or isinstance(trace, Trace)


@pytest.mark.parametrize(
    "call",
    [
        {"method": ["a"], "params": []},
        {"method": "a", "params": "abc"},
        {"method": "a", "params": {"x": 1}},
        {"method": "a", "params": [], "trace": ["only one"]},
        {"method": "a", "params": [], "trace": [1, 2]},
        {"method": "a", "params": [], "trace": "ab"},
        {"method": "a", "params": [], "trace": {}},
    ],
)
def test_a_call_of_another_shape_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match="not a call"):
        parse_call(json.dumps(call))


def test_a_call_nested_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="nested"):
        parse_call('{"method": "a", "params": ' + "[" * 100_000)


def test_a_call_without_a_trace_begins_its_own() -> None:
    assert parse_call('{"method": "a", "params": []}') == ("a", [], None)
    assert parse_call('{"method": "a", "params": [], "trace": null}') == ("a", [], None)


@given(st.text(min_size=1), st.integers(400, 599), st.text(), st.text(), st.booleans())
async def test_an_error_is_the_same_at_the_other_end(
    code: str, status: int, title: str, detail: str, retryable: bool
) -> None:
    error = ServiceError(code, status, title, detail, retryable=retryable)
    with pytest.raises(ServiceError) as raised:
        await JsonPeer("db", Wire(error_envelope(error))).call("get")
    arrived = raised.value
    assert (arrived.code, arrived.status, arrived.title, arrived.detail) == (code, status, title, detail)
    assert arrived.retryable == retryable
    assert rejection_message(arrived) == f"{code}: {detail}" == str(error)


@pytest.mark.parametrize(
    "answer", ["", "x", "{}", "[]", "null", "5", '"ok"', '{"error": {}}', '{"error": {"code": "X"}}', '{"error": "no"}']
)
async def test_an_answer_that_cannot_be_read_is_unavailable(answer: str) -> None:
    with pytest.raises(ServiceError) as raised:
        await JsonPeer("db", Wire(answer)).call("get", "secret value")
    assert (raised.value.code, raised.value.status, raised.value.retryable) == ("UNAVAILABLE", 503, True)
    assert "db" in raised.value.detail
    assert "secret" not in raised.value.detail


async def test_a_peer_that_fails_tells_nothing_of_how() -> None:
    async def send(text: str) -> str:
        raise RuntimeError("connect 10.1.2.3 refused")

    with pytest.raises(ServiceError) as raised:
        await JsonPeer("db", send).call("get")
    assert (raised.value.code, "10.1.2.3" in raised.value.detail) == ("UNAVAILABLE", False)
