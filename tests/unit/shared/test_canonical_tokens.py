"""dotdo.jws: a token has one spelling, and no other character in any place is as good."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo import jws

SECRET = b"s" * 32
TOKEN = jws.sign({"iss": "i", "aud": "a", "iat": 0, "exp": 60}, SECRET, "t")
CHARACTERS = string.ascii_letters + string.digits + "-_+/=. \n"


def check(token: str) -> dict[str, object]:
    return jws.verify(token, SECRET, typ="t", issuer="i", audience="a", now_s=30)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(CHARACTERS))
def test_every_changed_character_is_noticed(at: int, character: str) -> None:
    if character != TOKEN[at]:
        with pytest.raises(jws.InvalidToken):
            check(TOKEN[:at] + character + TOKEN[at + 1 :])


def test_every_last_character_but_one_is_refused() -> None:
    """The last one has two bits to spare: four spellings would decode to the same signature."""
    accepted = []
    for character in CHARACTERS:
        try:
            check(TOKEN[:-1] + character)
        except jws.InvalidToken:
            continue
        accepted.append(character)
    assert accepted == [TOKEN[-1]]


@pytest.mark.parametrize(
    "token", [TOKEN + "=", TOKEN + "\n", " " + TOKEN, TOKEN.replace("-", "+"), TOKEN.replace("_", "/")]
)
def test_other_alphabets_padding_and_space_are_refused(token: str) -> None:
    if token != TOKEN:
        with pytest.raises(jws.InvalidToken):
            check(token)


@pytest.mark.parametrize("claims", [{"exp": "60"}, {"exp": None}, {"iat": "0"}, {"nbf": "x"}, {"iat": None}])
def test_times_that_are_no_numbers_are_malformed(claims: dict[str, object]) -> None:
    token = jws.sign({"iss": "i", "aud": "a", "iat": 0, "exp": 60, **claims}, SECRET, "t")
    with pytest.raises(jws.InvalidToken, match="MALFORMED"):
        check(token)
