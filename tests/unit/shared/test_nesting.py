"""Depth is measured without recursion, of text as of values, and both agree with a count of our own."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.contracts.values import shallow
from dotdo.nesting import nests_deeper, parse_json, text_nests_deeper

TEXTS = st.text(alphabet='[]{}"\\,:a\n', max_size=6)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | TEXTS | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


def depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


@given(VALUES, st.integers(0, 6), st.sampled_from([None, 1]), st.booleans())
def test_values_and_their_text(value: Any, limit: int, indent: int | None, ascii: bool) -> None:
    deeper = depth(value) > limit
    assert nests_deeper(value, limit) == deeper
    assert text_nests_deeper(json.dumps(value, indent=indent, ensure_ascii=ascii), limit) == deeper


@given(st.text(alphabet='[]{}"\\,:1 ', max_size=40))
def test_what_is_parsed_is_what_json_would_make_of_it(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            parse_json(text)
    else:
        assert parse_json(text) == expected


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"[":', '["\\"",'])
def test_the_limit_is_exact(opening: str) -> None:
    """Balanced or not: what is too deep never reaches the parser."""
    levels = opening.count("[") - opening.count('"[') + opening.count("{")
    closing = "".join(
        "]" if one == "[" else "}" for one in reversed([c for c in opening.replace('"["', "") if c in "[{"])
    )
    times = 64 // levels
    parse_json(opening * times + "1" + closing * times)
    for deeper in (opening * (times + 1) + "1" + closing * (times + 1), opening * 100_000):
        with pytest.raises(ValueError, match="nested deeper"):
            parse_json(deeper)


@given(st.text(alphabet='[]{}"\\,:1 ', max_size=40))
def test_what_is_too_deep_is_so_whatever_comes_after(text: str) -> None:
    for deep in ("[" * 65, '{"\\\\":[' * 33):
        with pytest.raises(ValueError, match="nested deeper"):
            parse_json(deep + text)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: [1, inner, "a"]])
@pytest.mark.parametrize(("levels", "taken"), [(32, True), (33, False)])
def test_a_value_may_nest_thirty_two_levels(wrap: Callable[[Any], Any], levels: int, taken: bool) -> None:
    value: Any = 1
    for _ in range(levels):
        value = wrap(value)
    if taken:
        assert shallow(value) is value
        return
    with pytest.raises(ValueError, match="nested deeper than 32 levels"):
        shallow(value)


def test_a_value_that_holds_itself_is_too_deep_and_is_seen_at_once() -> None:
    itself: list[Any] = []
    itself += [itself, itself]
    assert nests_deeper(itself, 32)


@pytest.mark.parametrize(
    "text", ['"' * 100_001, '\\"' * 100_000, '"' + "\\" * 100_001, '["\\"' * 50_000, "[]," * 100_000, "]" * 99]
)
def test_nonsense_is_measured_in_one_pass(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text + "[" * 100)


@pytest.mark.parametrize(
    "body", [b"\xff", b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "[]".encode("utf-32"), b"NaN", b"[-Infinity]"]
)
def test_a_body_is_json_in_utf_8(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(body)
