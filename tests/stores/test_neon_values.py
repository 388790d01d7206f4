"""The Neon endpoint's wire format, without a server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.stores.neon.errors import SqlError, from_refusal
from scripts.stores.neon.server import parse_account
from scripts.stores.neon.values import decode_array, encode_param


def test_accounts_come_from_the_connection_string_alone() -> None:
    account = parse_account("postgres://us%40er:p%3Aw%2Fd@ep-x.neon.tech:1/da%20ta?sslmode=require", "127.0.0.1", 5432)
    assert (account.host, account.port, account.user, account.password, account.database) == (
        "127.0.0.1", 5432, "us@er", "p:w/d", "da ta",
    )  # fmt: skip
    assert "p:w/d" not in repr(account)
    assert parse_account("postgresql://me:x@h", "127.0.0.1", 5432).database == "me"


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        ('connection failed: FATAL:  password authentication failed for user "x"', "28P01", 400),
        ('connection failed: FATAL:  database "x" does not exist', "3D000", 400),
        ("connection failed: FATAL:  sorry, too many clients already", "53300", 400),
        ("connection failed: FATAL:  the database system is starting up", "57P03", 500),
        ("connection failed: Connection refused\n\tIs the server running on that host?", "08006", 500),
        ("connection timeout expired", "08006", 500),
    ],
)
def test_refused_connections_get_a_code(words: str, code: str, status: int) -> None:
    error = from_refusal(words)
    assert (error.body["code"], error.status) == (code, status)


nested_texts = st.recursive(
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
    lambda inner: st.lists(inner, min_size=1),
    max_leaves=10,
)


@given(nested_texts)
def test_array_literals_decode_to_what_they_encode(value: list[Any]) -> None:
    encoded = encode_param(value)
    assert encoded is not None
    assert decode_array(encoded.decode(), str) == value


@given(st.text())
def test_text_parameters_are_sent_whole_or_refused(text: str) -> None:
    try:
        assert encode_param(text) == text.encode()
    except SqlError as error:
        assert error.body["code"] == "22021"
        assert "\0" in text or any(0xD800 <= ord(char) < 0xE000 for char in text)
