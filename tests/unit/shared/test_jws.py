"""dotdo.jws and the identity header made with it."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo import jws
from dotdo.errors import ServiceError
from dotdo.identity import Identity, sign_identity, verify_identity

SECRET = b"s" * 32
NOW = 1_790_000_000.0
CLAIMS = {"iss": "i", "aud": "a", "iat": NOW, "exp": NOW + 60}


def check(token: str, **changes: object) -> dict[str, object]:
    expected = {"typ": "t", "issuer": "i", "audience": "a", "now_s": NOW, **changes}
    return jws.verify(token, SECRET, **expected)  # type: ignore[arg-type]


@given(st.dictionaries(st.text().filter(lambda name: name != "nbf"), st.integers() | st.text() | st.booleans()))
def test_what_was_signed_comes_back(extra: dict[str, object]) -> None:
    claims = {**extra, **CLAIMS}
    assert check(jws.sign(claims, SECRET, "t")) == claims


@given(st.data())
def test_no_character_of_a_token_can_be_changed(data: st.DataObject) -> None:
    token = jws.sign(CLAIMS, SECRET, "t")
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_.=").filter(lambda character: character != token[at]))
    changed = token[:at] + other + token[at + 1 :]
    try:
        assert check(changed) == CLAIMS, "only the unused bits of the last character may differ"
        assert at == len(token) - 1
    except jws.InvalidToken as error:
        assert error.code in ("BAD_SIGNATURE", "MALFORMED")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"typ": "other"}, "WRONG_TYPE"),
        ({"issuer": "other"}, "WRONG_ISSUER"),
        ({"audience": "other"}, "WRONG_AUDIENCE"),
        ({"now_s": NOW + 60}, "EXPIRED"),
        ({"now_s": NOW - 1}, "NOT_YET_VALID"),
    ],
)
def test_every_claim_is_checked(changes: dict[str, object], code: str) -> None:
    with pytest.raises(jws.InvalidToken) as refused:
        check(jws.sign(CLAIMS, SECRET, "t"), **changes)
    assert refused.value.code == code


def test_the_leeway_stretches_both_ends() -> None:
    token = jws.sign(CLAIMS, SECRET, "t")
    assert check(token, now_s=NOW + 65, leeway_s=10)
    assert check(token, now_s=NOW - 5, leeway_s=10)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS512", "RS256", ""])
def test_no_header_chooses_another_algorithm(algorithm: str) -> None:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    head, body = part({"alg": algorithm, "typ": "t"}), part(CLAIMS)
    for signature in ("", part("x")):
        with pytest.raises(jws.InvalidToken):
            check(f"{head}.{body}.{signature}")


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c.d", "..", "é.é.é", "a.b.c\n"])
def test_what_is_no_token_is_malformed(token: str) -> None:
    with pytest.raises(jws.InvalidToken):
        check(token)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        jws.sign(CLAIMS, b"short", "t")


ADMIN = Identity("api_key", "usr_1", "admin", "org_1", ("*",), "key_1")


def test_an_identity_is_for_one_service_and_one_minute() -> None:
    header = sign_identity(ADMIN, audience="db", request_id="r", secret=SECRET, now_s=NOW)
    assert verify_identity(header, audience="db", secret=SECRET, now_s=NOW + 60) == ADMIN
    for audience, secret, now_s in (("auth", SECRET, NOW), ("db", b"x" * 32, NOW), ("db", SECRET, NOW + 66)):
        with pytest.raises(ServiceError) as refused:
            verify_identity(header, audience=audience, secret=secret, now_s=now_s)
        assert refused.value.status == 401


def test_only_the_role_with_every_permission_is_admin() -> None:
    assert ADMIN.is_admin
    assert not Identity("api_key", "usr_1", "admin", "", ("things:read",)).is_admin
    assert not Identity("user", "usr_1", "user", "", ("*",)).is_admin
