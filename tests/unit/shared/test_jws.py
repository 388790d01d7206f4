"""dotdo.jws: a token holds as it was signed, in its one spelling, and nothing in it chooses how it is checked."""

import base64
import hmac
import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo import jws

SECRET = b"s" * 32
NOW = 1_790_000_000
CLAIMS: dict[str, Any] = {"iss": "i", "aud": "a", "iat": NOW, "exp": NOW + 60}
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "t"}
TOKEN = jws.sign({**CLAIMS, "n": 1}, SECRET, "t")
CHARACTERS = string.ascii_letters + string.digits + "-_+/=. \n"


def check(token: str, **changes: object) -> dict[str, Any]:
    expected = {"typ": "t", "issuer": "i", "audience": "a", "now_s": NOW, **changes}
    return jws.verify(token, SECRET, **expected)  # type: ignore[arg-type]


def code_of(token: str, **changes: object) -> str:
    try:
        check(token, **changes)
    except jws.InvalidToken as refused:
        return refused.code
    return "VALID"


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(value: object) -> str:
    return encode(json.dumps(value).encode())


def signed(head: str, body: str, digest: str = "sha256") -> str:
    """A token of these very parts, signed with the right secret."""
    return f"{head}.{body}.{encode(hmac.digest(SECRET, f'{head}.{body}'.encode(), digest))}"


@given(st.dictionaries(st.text().filter(lambda name: name != "nbf"), st.integers() | st.text() | st.booleans()))
def test_what_was_signed_comes_back(extra: dict[str, object]) -> None:
    claims = {**extra, **CLAIMS}
    assert check(jws.sign(claims, SECRET, "t")) == claims


def test_no_other_character_in_any_place_is_as_good() -> None:
    """Nor in the last one, which has two bits to spare: four spellings would decode to the same signature."""
    valid = {
        (at, character)
        for at in range(len(TOKEN))
        for character in CHARACTERS
        if code_of(TOKEN[:at] + character + TOKEN[at + 1 :]) == "VALID"
    }
    assert valid == set(enumerate(TOKEN))


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "="), ("", "=="), ("", "\n"), ("", " "), (" ", ""), ("", "."), (".", ""), ("Bearer ", "")],
)
def test_nothing_may_stand_around_a_token(before: str, after: str) -> None:
    assert code_of(before + TOKEN + after) == ("MALFORMED" if after or before == "." else "BAD_SIGNATURE")


BODY = part({**CLAIMS, "text": "?>~" * 5 + "?>" * 6})


@pytest.mark.parametrize(
    "body",
    [
        BODY + "=",
        BODY.replace("-", "+"),
        BODY.replace("_", "/"),
        BODY[:-1] + chr(ord(BODY[-1]) + 1),
        BODY[:8] + "\n" + BODY[8:],
    ],
    ids=["padded", "plus", "slash", "spare bits", "line end"],
)
def test_another_spelling_is_refused_however_well_it_is_signed(body: str) -> None:
    head = part(HEADER)
    assert code_of(signed(head, BODY)) == "VALID"
    assert body != BODY
    assert code_of(signed(head, body)) == "MALFORMED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"typ": "other"}, "WRONG_TYPE"),
        ({"issuer": "other"}, "WRONG_ISSUER"),
        ({"audience": "other"}, "WRONG_AUDIENCE"),
        ({"kid": "other"}, "WRONG_KEY"),
        ({"now_s": NOW + 59.9}, "VALID"),
        ({"now_s": NOW + 60}, "EXPIRED"),
        ({"now_s": NOW - 1}, "NOT_YET_VALID"),
        ({"now_s": NOW + 69, "leeway_s": 10}, "VALID"),
        ({"now_s": NOW + 70, "leeway_s": 10}, "EXPIRED"),
        ({"now_s": NOW - 10, "leeway_s": 10}, "VALID"),
        ({"now_s": NOW - 11, "leeway_s": 10}, "NOT_YET_VALID"),
    ],
    ids=str,
)
def test_a_token_is_for_one_purpose_and_its_time(changes: dict[str, Any], code: str) -> None:
    assert code_of(jws.sign(CLAIMS, SECRET, "t", "k"), **changes) == code


@pytest.mark.parametrize("claims", [{"exp": "60"}, {"exp": None}, {"iat": "0"}, {"nbf": "x"}, {"iat": None}])
def test_times_that_are_no_numbers_are_malformed(claims: dict[str, object]) -> None:
    assert code_of(jws.sign({**CLAIMS, **claims}, SECRET, "t")) == "MALFORMED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "VALID"),
        ({"x": 1}, "VALID"),
        ({"kid": "any"}, "VALID"),
        ({"alg": "none"}, "WRONG_TYPE"),
        ({"alg": "None"}, "WRONG_TYPE"),
        ({"alg": "hs256"}, "WRONG_TYPE"),
        ({"alg": "HS384"}, "WRONG_TYPE"),
        ({"alg": "HS512"}, "WRONG_TYPE"),
        ({"alg": "RS256"}, "WRONG_TYPE"),
        ({"alg": ""}, "WRONG_TYPE"),
        ({"alg": None}, "WRONG_TYPE"),
        ({"alg": ["HS256"]}, "WRONG_TYPE"),
        ({"typ": "T"}, "WRONG_TYPE"),
        ({"typ": "JWT"}, "WRONG_TYPE"),
        ({"typ": None}, "WRONG_TYPE"),
        ({"crit": ["exp"]}, "WRONG_TYPE"),
        ({"crit": []}, "WRONG_TYPE"),
        ({"crit": None}, "WRONG_TYPE"),
    ],
    ids=str,
)
def test_a_header_says_what_is_asked_for_although_the_signature_holds(changes: dict[str, Any], code: str) -> None:
    assert code_of(signed(part({**HEADER, **changes}), part(CLAIMS))) == code


@pytest.mark.parametrize(("algorithm", "digest"), [("HS512", "sha512"), ("HS384", "sha384"), ("HS1", "sha1")])
def test_no_header_chooses_another_algorithm(algorithm: str, digest: str) -> None:
    """The signature is a good one of the algorithm that the header names."""
    assert code_of(signed(part({**HEADER, "alg": algorithm}), part(CLAIMS), digest)) == "BAD_SIGNATURE"
    assert code_of(signed(part(HEADER), part(CLAIMS), digest)) == "BAD_SIGNATURE"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
@pytest.mark.parametrize("signature", ["", "AAAA", encode(bytes(32))])
def test_no_token_holds_without_its_signature(algorithm: str, signature: str) -> None:
    assert code_of(f"{part({**HEADER, 'alg': algorithm})}.{part(CLAIMS)}.{signature}") == "BAD_SIGNATURE"


@pytest.mark.parametrize("kid", ["k2", "", None, ["k1"], 1, True, {"k1": 1}], ids=repr)
def test_where_a_key_is_asked_for_no_other_will_do(kid: object) -> None:
    body = part(CLAIMS)
    assert code_of(signed(part({**HEADER, "kid": "k1"}), body), kid="k1") == "VALID"
    assert code_of(signed(part({**HEADER, "kid": kid}), body), kid="k1") == "WRONG_KEY"
    assert code_of(signed(part(HEADER), body), kid="k1") == "WRONG_KEY"


@pytest.mark.parametrize("no_object", [b"[]", b'"x"', b"1", b"null", b"", b"{", b'{"exp": NaN}', b"\xff", b"[" * 100])
def test_header_and_claims_are_objects(no_object: bytes) -> None:
    assert code_of(signed(part(HEADER), encode(no_object))) == "MALFORMED"
    assert code_of(signed(encode(no_object), part(CLAIMS))) == "MALFORMED"


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c.d", "é.é.é", "a.b.c\n", "a.b.c"])
def test_what_is_no_token_is_malformed(token: str) -> None:
    assert code_of(token) == "MALFORMED"


def test_a_secret_has_thirty_two_bytes() -> None:
    assert jws.sign(CLAIMS, b"s" * 32, "t")
    with pytest.raises(ValueError, match="32 bytes"):
        jws.sign(CLAIMS, b"s" * 31, "t")
