"""db.adapters.pgtypes: each type's text, and text that is no such thing."""

import contextlib
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.adapters.pgtypes import DECODERS, decode_array, decode_float, decode_json, decode_jsonb, decode_timestamptz
from dotdo.errors import ServiceError

OIDS = {"bool": 16, "int8": 20, "json": 114, "float8": 701, "timestamptz": 1184, "jsonb": 3802, "int4[]": 1007, "text[]": 1009,
        "timestamptz[]": 1185, "float8[]": 1022, "bool[]": 1000, "jsonb[]": 3807, "uuid[]": 2951}  # fmt: skip


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("bool", "t", True),
        ("bool", "f", False),
        ("int8", "9007199254740991", 2**53 - 1),
        ("int8", "-9007199254740991", 1 - 2**53),
        ("int8", "9007199254740992", "9007199254740992"),
        ("int8", "-9223372036854775808", "-9223372036854775808"),
        ("jsonb", '{"a": [1, null]}', {"a": [1, None]}),
        ("json", "null", None),
        ("timestamptz", "2026-11-23 10:00:00+00", "2026-11-23T10:00:00.000Z"),
        ("timestamptz", "2026-11-23 10:00:00.123999+05:30", "2026-11-23T04:30:00.123Z"),
        ("timestamptz", "1900-01-01 00:00:00+00:19:32", "1899-12-31T23:40:28.000Z"),
        ("timestamptz", "0999-01-01 00:00:00+00", "0999-01-01T00:00:00.000Z"),
        ("int4[]", "{}", []),
        ("int4[]", "{1,NULL,3}", [1, None, 3]),
        ("int4[]", "[0:1]={1,2}", [1, 2]),
        ("int4[]", "{{1,2},{3,4}}", [[1, 2], [3, 4]]),
        ("text[]", '{"","NULL",NULL,null,"a,b","{}","\\"\\\\"}', ["", "NULL", None, "null", "a,b", "{}", '"\\']),
        ("float8[]", "{1.5,NaN,-Infinity}", [1.5, "NaN", "-Infinity"]),
        ("bool[]", "{t,f}", [True, False]),
        ("timestamptz[]", '{"2026-11-23 10:00:00+00",infinity}', ["2026-11-23T10:00:00.000Z", "infinity"]),
        ("jsonb[]", '{"{\\"a\\": \\"b\\"}","[1]"}', [{"a": "b"}, [1]]),
        ("uuid[]", "{6b1d2c3e-0000-7000-8000-000000000000}", ["6b1d2c3e-0000-7000-8000-000000000000"]),
    ],
)
def test_text_becomes_what_it_means(type_name: str, text: str, value: Any) -> None:
    assert DECODERS[OIDS[type_name]](text) == value


@pytest.mark.parametrize(
    "text", ["0001-01-01 00:00:00+05", "9999-12-31 23:59:59.999999-05", "10000-01-01 00:00:00+00", "-infinity"]
)
def test_an_instant_out_of_reach_stays_as_it_is(text: str) -> None:
    assert decode_timestamptz(text) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_keeps_its_bits(value: float) -> None:
    found = decode_float(repr(value))
    assert isinstance(found, float)
    assert struct.pack("d", found) == struct.pack("d", value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_a_float_that_json_has_no_number_for_stays_text(text: str) -> None:
    assert decode_float(text) == text
    assert not math.isfinite(float(text))


Nested = str | None | list["Nested"]


def array_out(value: Nested) -> str:
    """PostgreSQL's array_out."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(map(array_out, value)) + "}"
    if value and value.upper() != "NULL" and not set(value) & set('{}",\\') and not any(map(str.isspace, value)):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.integers(1, 3), st.integers(1, 3), st.data())
def test_arrays_of_any_depth_come_back(depth: int, width: int, data: st.DataObject) -> None:
    values: st.SearchStrategy[Any] = st.none() | st.text()
    for _ in range(depth):
        values = st.lists(values, min_size=width, max_size=width)
    value = data.draw(values)
    assert decode_array(str)(array_out(value)) == value


@pytest.mark.parametrize(
    ("decode", "text"),
    [
        (decode_jsonb, "{}x"), (decode_jsonb, "1 2"), (decode_jsonb, ""), (decode_jsonb, "{"),
        (decode_json, "{}x"), (decode_array(str), "{1}x"), (decode_array(str), "{1}}"), (decode_array(str), "1,2"),
        (decode_array(int), "{a}"),
    ],
)  # fmt: skip
def test_text_that_goes_on_or_is_no_such_thing_is_refused(decode: Any, text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)


@given(st.text(alphabet='{}",\\a=[]:1 ', max_size=12))
def test_what_is_no_array_is_refused_or_a_list(text: str) -> None:
    with contextlib.suppress(ValueError, IndexError):
        assert isinstance(decode_array(str)(text), list)


@pytest.mark.parametrize("decode", [decode_json, decode_jsonb])
def test_a_document_too_deep_to_be_parsed_is_refused(decode: Any) -> None:
    with pytest.raises(ServiceError, match="RESULT_TOO_DEEP"):
        decode("[" * 20_000 + "]" * 20_000)
    assert decode('[["' + "[" * 500 + '"]]') == [["[" * 500]]
