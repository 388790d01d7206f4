"""db.adapters.json_text: compact JSON, and what has no form in it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from db.adapters.json_text import json_text
from dotdo.errors import ServiceError

EAST = timezone(timedelta(hours=2))
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]
CYCLE: dict[str, Any] = {}
CYCLE["itself"] = CYCLE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ({"b": 1, "a": [True, False, None]}, '{"b":1,"a":[true,false,null]}'),
        ({}, "{}"),
        ([], "[]"),
        ('é "\\ \n\x00😀 \u2028', '"é \\"\\\\ \\n\\u0000😀 \u2028"'),
        (2**63, "9223372036854775808"),
        ([1.0, 0.1, -1e-7, 1e300], "[1.0,0.1,-1e-07,1e+300]"),
        ({1: 2, None: 3, False: 4}, '{"1":2,"null":3,"false":4}'),
        ((1, (2,)), "[1,[2]]"),
        (datetime(2026, 1, 1, tzinfo=UTC), '"2026-01-01T00:00:00.000Z"'),
        ([{"at": datetime(2026, 1, 1, 1, 0, 0, 999_999, tzinfo=EAST)}], '[{"at":"2025-12-31T23:00:00.999Z"}]'),
    ],
)
def test_what_json_has_a_form_for_is_written_compactly(value: Any, text: str) -> None:
    assert json_text(value) == text


def test_names_stay_in_their_order_unless_they_are_to_be_sorted() -> None:
    value = {"b": {"d": 1, "c": 2}, "a": 3}
    assert json_text(value) == '{"b":{"d":1,"c":2},"a":3}'
    assert json_text(value, sort_keys=True) == '{"a":3,"b":{"c":2,"d":1}}'


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), float("-inf"), b"bytes", memoryview(b"x"), {1, 2}, 1j, object(), len, timedelta(1),
     {("a",): 1}, {b"a": 1}, DEEP, CYCLE, datetime.min.replace(tzinfo=EAST)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
@pytest.mark.parametrize("sort_keys", [False, True])
def test_what_it_has_no_form_for_is_the_callers_mistake(value: Any, sort_keys: bool) -> None:
    for given in (value, [value], {"a": value}):
        with pytest.raises(ServiceError) as refused:
            json_text(given, sort_keys=sort_keys)
        assert (refused.value.code, refused.value.status) == ("INVALID_ARGUMENT", 400)
        assert refused.value.detail == "a value that JSON has no form for"
