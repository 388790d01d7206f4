"""How deep JSON is nested is known before anything recurses into it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.nesting import MAX_DOCUMENT_DEPTH, MAX_TEXT_DEPTH, deeper_than, not_too_deep, parse_json

DOCUMENTS = st.recursive(
    st.none() | st.text(alphabet='[]{}"\\ a\n'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='[{"\\'), inner),
)


def depth_of(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth_of, inside), default=0)


@given(DOCUMENTS, st.integers(0, 6))
def test_the_depth_of_a_text_is_that_of_its_value(value: Any, limit: int) -> None:
    assert deeper_than(json.dumps(value), limit) == (depth_of(value) > limit)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 50 + "]" * 50, '[["\\"]]', "[" * 41 + '"'])
def test_a_text_too_deep_or_cut_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_breadth_is_no_depth() -> None:
    text = "[" + ",".join(["[{}]"] * 10_000) + "]"
    assert len(parse_json(text)) == 10_000
    assert parse_json("[" * MAX_TEXT_DEPTH + "]" * MAX_TEXT_DEPTH)


def nested(levels: int) -> dict[str, Any]:
    value: Any = [0]
    for _ in range(levels - 1):
        value = {"a": value}
    assert isinstance(value, dict)
    return value


def test_a_document_has_a_greatest_depth() -> None:
    assert not_too_deep(nested(MAX_DOCUMENT_DEPTH)) == nested(MAX_DOCUMENT_DEPTH)
    with pytest.raises(ValueError, match="32 levels"):
        not_too_deep(nested(MAX_DOCUMENT_DEPTH + 1))
