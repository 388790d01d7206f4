"""dotdo.paging: how much of a list, and from where on."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.contracts.auth.models import ListQuery
from dotdo.errors import ServiceError
from dotdo.model import validated_query
from dotdo.paging import decode_cursor, encode_cursor, page_of


@pytest.mark.parametrize(("query", "limit"), [({}, 20), ({"limit": "1"}, 1), ({"limit": "1000"}, 1000)], ids=str)
def test_a_page_has_twenty_rows_or_as_many_as_are_asked_for(query: dict[str, str], limit: int) -> None:
    assert validated_query(ListQuery, query).limit == limit


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "9" * 30])
def test_a_page_has_from_one_to_a_thousand_rows(limit: str) -> None:
    with pytest.raises(ServiceError, match="INVALID_ARGUMENT: limit: ") as refused:
        validated_query(ListQuery, {"limit": limit})
    assert refused.value.status == 400


@pytest.mark.parametrize(("found", "shown", "after"), [(0, 0, None), (2, 2, None), (3, 3, None), (4, 3, ["row 2"])])
def test_a_page_leads_on_when_one_row_more_was_found(found: int, shown: int, after: list[str] | None) -> None:
    rows = [f"row {n}" for n in range(found)]
    data, page = page_of(rows, 3, lambda row: [row])
    assert (data, page.limit) == (rows[:shown], 3)
    assert page.next_cursor == (encode_cursor(after) if after else None)


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_cursor_holds_its_key_and_can_stand_in_a_query(key: list[str]) -> None:
    cursor = encode_cursor(key)
    assert decode_cursor(cursor, len(key)) == key
    assert cursor.replace("-", "").replace("_", "").isalnum()


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@given(st.text() | st.text(alphabet="WyJhIiwgImIiXQ-_=+/"))
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """A cursor has one spelling: what is taken is just what would be given out."""
    try:
        key = decode_cursor(cursor, 2)
    except ServiceError as error:
        assert (error.code, error.status) == ("INVALID_ARGUMENT", 400)
    else:
        assert encode_cursor(key) == cursor


@pytest.mark.parametrize(
    "key", [[], ["a"], ["a", "b", "c"], ["a", 1], [1, "a"], [1, 2], [["a"], "b"], ["a", None], ["a", "\ud800"],
            ["\udfff", "b"], "ab", {"a": 1, "b": 2}, None, 5]
)  # fmt: skip
def test_a_key_is_as_many_texts_as_the_order_has(key: object) -> None:
    assert decode_cursor(encoded(["a", "b"]), 2) == ["a", "b"]
    with pytest.raises(ServiceError, match="INVALID_ARGUMENT: cursor: not one that this service gave out"):
        decode_cursor(encoded(key), 2)


KEY = ["??>>", "~~"]
GOOD = encode_cursor(KEY)


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", GOOD + "=", GOOD + "==", GOOD + "\n", " " + GOOD, GOOD[:4] + "!" + GOOD[4:], GOOD[:4] + "\n" + GOOD[4:],
        GOOD.replace("-", "+"), GOOD.replace("_", "/"), GOOD[:-1] + chr(ord(GOOD[-1]) + 1), GOOD[:-1], GOOD + "A",
        base64.urlsafe_b64encode(b'["??>>","~~"]').rstrip(b"=").decode(), GOOD + "é", "W1tb" * 50_000,
    ],
    ids=lambda cursor: repr(cursor[-12:]),
)  # fmt: skip
def test_a_cursor_has_one_spelling(cursor: str) -> None:
    assert decode_cursor(GOOD, 2) == KEY
    assert cursor != GOOD
    with pytest.raises(ServiceError, match="INVALID_ARGUMENT: cursor: not one that this service gave out"):
        decode_cursor(cursor, 2)
