"""PostgreSQL's text output and what becomes of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.adapters.pgtypes import DECODERS, decode_array, decode_json, decode_jsonb, decode_timestamptz
from db.adapters.sqlstate import error_for

Nested = list["Nested | str | None"]


def array_out(value: Nested | str | None) -> str:
    """What PostgreSQL's array_out writes: every element quoted that could be read otherwise."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(map(array_out, value)) + "}"
    if value == "" or value.upper() == "NULL" or any(c in '{}",\\' or c.isspace() for c in value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


@given(st.lists(st.none() | st.text()))
def test_arrays_of_text_come_back(values: list[str | None]) -> None:
    assert decode_array(str)(array_out(list(values))) == values


@given(st.lists(st.lists(st.integers(-(2**53) + 1, 2**53 - 1).map(str), min_size=2, max_size=2), min_size=1))
def test_arrays_of_arrays_come_back(rows: list[list[str]]) -> None:
    assert DECODERS[1016](array_out([list(row) for row in rows])) == [[int(value) for value in row] for row in rows]


@pytest.mark.parametrize(("text", "values"), [("[0:1]={a,b}", ["a", "b"]), ("[-1:0][1:1]={{a},{b}}", [["a"], ["b"]])])
def test_a_lower_bound_is_not_part_of_the_array(text: str, values: list[Any]) -> None:
    assert decode_array(str)(text) == values


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_json_comes_back_whatever_it_holds(value: object, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped)
    assert repr(decode_jsonb(text)) == repr(decode_json(text)) == repr(value)


@pytest.mark.parametrize("text", ["", "[1", "[1] 2", "{'a': 1}", '"a\nb"'])
def test_what_is_no_json_is_an_error(text: str) -> None:
    for decode in (decode_json, decode_jsonb):
        with pytest.raises(ValueError):
            decode(text)


def test_json_keeps_half_of_a_surrogate_pair() -> None:
    assert decode_json(r'"\ud83d"') == "\ud83d"


@given(st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC)))
def test_instants_are_utc_in_milliseconds(instant: datetime) -> None:
    text = instant.isoformat(sep=" ").replace("+00:00", "+00")
    assert decode_timestamptz(text) == instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("text", ["infinity", "-infinity", "0044-03-15 12:00:00+00 BC"])
def test_instants_that_have_no_such_form_stay(text: str) -> None:
    assert decode_timestamptz(text) == text


@pytest.mark.parametrize(
    ("sqlstate", "code", "status"),
    [
        ("23505", "CONFLICT", 409), ("23503", "REFERENCE_MISSING", 409), ("23502", "INVALID_ARGUMENT", 400),
        ("22P02", "INVALID_ARGUMENT", 400), ("22003", "INVALID_ARGUMENT", 400), ("40001", "RETRY", 503),
        ("40P01", "RETRY", 503), ("57014", "TIMEOUT", 504), ("57P01", "UNAVAILABLE", 503), ("42601", "DATABASE_ERROR", 502),
        ("42P01", "DATABASE_ERROR", 502), ("XX000", "DATABASE_ERROR", 502), ("", "DATABASE_ERROR", 502),
    ],
)  # fmt: skip
def test_a_sqlstate_has_its_code(sqlstate: str, code: str, status: int) -> None:
    error = error_for(sqlstate)
    assert (error.code, error.status) == (code, status)


@pytest.mark.parametrize(
    "sqlstate",
    ["42601", "42501", "42P01", "08P01", "0A000", "0Z002", "20000", "21000", "24000", "25001", "25P02", "26000", "2BP01",
     "2D000", "2F005", "34000", "38000", "39000", "3B001", "3F000", "44000", "P0001"],
)  # fmt: skip
def test_what_a_statement_can_be_wrong_about_is_said_to_who_wrote_it(sqlstate: str) -> None:
    told = error_for(sqlstate, raw_sql_message="what is wrong")
    assert (told.code, told.status, told.detail) == ("INVALID_SQL", 400, f"what is wrong (SQLSTATE {sqlstate})")
    assert error_for(sqlstate).code == "DATABASE_ERROR"


@pytest.mark.parametrize("sqlstate", ["08000", "08001", "08003", "08004", "08006", "08007", "53300", "57P02", "57P03"])
def test_a_database_that_is_away_is_asked_again(sqlstate: str) -> None:
    error = error_for(sqlstate, raw_sql_message="inside")
    assert (error.code, error.status, error.retryable, "inside" in error.detail) == ("UNAVAILABLE", 503, True, False)


@pytest.mark.parametrize("sqlstate", ["", "00000", "08", "1", "23514x", "28P01", "55P03", "58030", "XX000"])
def test_no_other_is_known(sqlstate: str) -> None:
    assert error_for(sqlstate, raw_sql_message="inside").code == "DATABASE_ERROR"


def test_only_who_wrote_the_sql_hears_of_it() -> None:
    assert error_for("42601", raw_sql_message='syntax error at "x"').code == "INVALID_SQL"
    assert "syntax error" in error_for("42601", raw_sql_message='syntax error at "x"').detail
    assert "syntax" not in error_for("42601").detail
    assert "secret" not in error_for("23505", raw_sql_message="secret value").detail
