"""db.adapters.clickhouse: the values of `param_*`, in the escaped form that ClickHouse reads."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.adapters.clickhouse import parameter_text
from dotdo.errors import ServiceError

TEXTS = st.text().filter(lambda text: "\x00" not in text)
AT = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\\N"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        ("a\tb\\c\nd", "a\\tb\\\\c\\nd"),
        ("it's", "it's"),
        (AT, "2026-01-02 03:04:05.000600"),
        (AT.astimezone(timezone(timedelta(hours=5))), "2026-01-02 03:04:05.000600"),
        ([], "[]"),
        (["it's", 1, None], "['it\\'s',1,NULL]"),
        ([True, [1, ["a"]], AT], "[true,[1,['a']],'2026-01-02 03:04:05.000600']"),
        ({"a": 1, "b'": "x\ty", 3: None}, "{'a':1,'b\\'':'x\\ty','3':NULL}"),
    ],
)
def test_parameters_have_clickhouses_escaped_form(value: Any, text: str) -> None:
    assert parameter_text(value) == text


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, (1, 2), object(), [b"in a list"], {"in": {"an": {1j}}}])
def test_a_value_without_such_a_form_is_the_callers_mistake(value: Any) -> None:
    with pytest.raises(ServiceError) as refused:
        parameter_text(value)
    assert (refused.value.code, refused.value.detail) == (
        "INVALID_ARGUMENT", "params: a value that ClickHouse has no form for",
    )  # fmt: skip


def unescaped(text: str) -> str:
    """What ClickHouse makes of a value in escaped form."""
    plain = text.replace("\\\\", "\x00").replace("\\t", "\t").replace("\\n", "\n").replace("\\'", "'")
    return plain.replace("\x00", "\\")


@given(TEXTS)
def test_a_text_parameter_comes_back_and_ends_no_field(text: str) -> None:
    escaped = parameter_text(text)
    assert unescaped(escaped) == text
    assert not {"\t", "\n"} & set(escaped)


@given(TEXTS)
def test_a_text_in_an_array_comes_back_and_ends_neither_itself_nor_the_field(text: str) -> None:
    escaped = parameter_text([text])
    assert (escaped[:2], escaped[-2:]) == ("['", "']")
    inside = escaped[2:-2]
    assert unescaped(inside) == text
    assert "'" not in inside.replace("\\\\", "").replace("\\'", "")
    assert not {"\t", "\n"} & set(inside)
