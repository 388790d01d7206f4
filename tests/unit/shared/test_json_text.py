"""How deep JSON goes is known before it is parsed."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.json_text import MAX_DEPTH, depth, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(VALUES, st.booleans())
def test_a_text_is_as_deep_as_its_value(value: object, escaped: bool) -> None:
    raw = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass" if not escaped else "strict")
    assert depth(raw) == depth_of(value)


@given(VALUES)
def test_what_json_says_is_what_is_parsed(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_the_deepest_that_is_parsed(pair: str) -> None:
    opening = pair[0] if pair == "[]" else '{"a":'
    deepest = opening * (MAX_DEPTH - 1) + pair + pair[1] * (MAX_DEPTH - 1)
    assert depth(deepest.encode()) == MAX_DEPTH
    parse_json(deepest.encode())
    with pytest.raises(ValueError, match="deeper"):
        parse_json((opening + deepest + pair[1]).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 10_000, b'{"a":' * 10_000, b'"x",' + b"[" * 10_000, rb'"\"" ' + b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000, b'["\\\\",' * 10_000,
    ],
)  # fmt: skip
def test_what_never_closes_is_deep(raw: bytes) -> None:
    assert depth(raw) >= 10_000
    with pytest.raises(ValueError, match="deeper"):
        parse_json(raw)


def test_brackets_in_strings_are_text() -> None:
    text = "[{" * 1000
    assert parse_json(json.dumps([text, '"' + text]).encode()) == [text, '"' + text]


@pytest.mark.parametrize(
    "raw", [b"", b"nul", b"NaN", b"[Infinity]", b"\xff", '"a"'.encode("utf-16"), b'{"a":1', b'"\\']
)
def test_what_is_no_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(raw)


@given(st.binary(), st.integers(0, 7))
def test_any_bytes_are_a_value_or_a_value_error(raw: bytes, seed: int) -> None:
    mixed = raw + bytes(random.Random(seed).choices(b'[]{}",:\\1', k=40))
    try:
        value = parse_json(mixed)
    except ValueError:
        return
    assert depth(mixed) == depth_of(value)
