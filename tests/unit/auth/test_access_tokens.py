"""Access tokens of both algorithms, and everything that is nearly one."""

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest

from auth.domain.access_tokens import AccessTokens, Bearer, secret_of
from auth.domain.signing_keys import signing_keys
from dotdo import jws
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings
from tests.unit.auth.ed25519 import HostEd25519, decode, encode, jwk

SECRET = "j" * 32
BEARER = Bearer("usr_1", "ses_1", "user", "org_1", ["things:read"])
CURRENT, NEXT, PREVIOUS = jwk(1, "current"), jwk(2, "next"), jwk(3, "previous")


def tokens(*keys: dict[str, Any], **texts: str) -> tuple[AccessTokens, FakeBindings]:
    if keys:
        texts["JWT_PRIVATE_JWKS"] = json.dumps({"keys": keys})
    bindings = FakeBindings({"JWT_SECRET": SECRET, **texts}, ed25519=HostEd25519())
    return AccessTokens(bindings), bindings


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return json.loads(decode(header)), json.loads(decode(claims))


def shared(header: object, claims: object, secret: bytes = SECRET.encode()) -> str:
    """A token signed with HMAC, whatever its header says."""
    signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


ALGORITHMS = pytest.mark.parametrize("keys", [(), (CURRENT, NEXT)], ids=["HS256", "EdDSA"])


async def signed(keys: tuple[dict[str, Any], ...], header: object, claims: object) -> str:
    """A token of these very parts with a good signature: by the first key, or by the secret where there is none."""
    if not keys:
        return shared(header, claims)
    text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{encode(await HostEd25519().sign(keys[0], text.encode()))}"


async def code_of(issuer: AccessTokens, token: str) -> str:
    try:
        await issuer.read(token)
    except jws.InvalidToken as error:
        return error.code
    return "VALID"


@ALGORITHMS
async def test_a_token_says_who_and_where_and_until_when(keys: tuple[dict[str, Any], ...]) -> None:
    issuer, bindings = tokens(*keys)
    token = await issuer.issue(BEARER)
    header, claims = parts(token)
    now = int(bindings.clock.now)
    kid = "current" if keys else "hs-beab9b34448ec7dd"
    assert header == {"alg": "EdDSA" if keys else "HS256", "typ": "at+jwt", "kid": kid}
    jti = claims.pop("jti")
    assert claims == {
        "iss": "dotdo-auth", "aud": "dotdo", "sub": "usr_1", "sid": "ses_1", "role": "user", "org": "org_1",
        "permissions": ["things:read"], "iat": now, "exp": now + 900,
    }  # fmt: skip
    assert jti != parts(await issuer.issue(BEARER))[1]["jti"]
    read = await issuer.read(token)
    assert (read.user_id, read.session_id, read.expires_s) == ("usr_1", "ses_1", now + 900)


@ALGORITHMS
async def test_a_token_fits_in_a_cookie_whatever_is_granted(keys: tuple[dict[str, Any], ...]) -> None:
    """Browsers keep 4096 bytes of a cookie, or nothing of it and do not say so."""
    issuer, _ = tokens(*keys)
    sizes = []
    for count in range(0, 400, 7):
        permissions = [f"resource-{n}:action-{n}" for n in range(count)]
        token = await issuer.issue(replace(BEARER, organization="o" * 512, permissions=permissions))
        assert len(f"__Host-session={token}") <= 4096
        sizes.append(len(parts(token)[1].get("permissions", ())))
    assert sizes[:8] == [0, 7, 14, 21, 28, 35, 42, 49], "few are there"
    assert "permissions" not in parts(token)[1], "many are not, rather than some of them"
    assert await code_of(issuer, token) == "VALID"


@ALGORITHMS
@pytest.mark.parametrize(
    ("age_s", "code"),
    [(929, "VALID"), (930, "EXPIRED"), (-30, "VALID"), (-31, "NOT_YET_VALID"), (10**9, "EXPIRED")],
)
async def test_thirty_seconds_of_leeway(keys: tuple[dict[str, Any], ...], age_s: int, code: str) -> None:
    issuer, bindings = tokens(*keys)
    token = await issuer.issue(BEARER)
    bindings.clock.now += age_s
    assert await code_of(issuer, token) == code


HEADER_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({"alg": "none"}, "WRONG_TYPE"), "another hash": ({"alg": "HS512"}, "WRONG_TYPE"),
    "asymmetric": ({"alg": "RS256"}, "WRONG_TYPE"), "no algorithm": ({"alg": None}, "WRONG_TYPE"),
    "an id token": ({"typ": "JWT"}, "WRONG_TYPE"), "a gateway's": ({"typ": "dotdo-identity+jwt"}, "WRONG_TYPE"),
    "a sign-in's": ({"typ": "dotdo-login+jwt"}, "WRONG_TYPE"), "no type": ({"typ": None}, "WRONG_TYPE"),
    "a critical extension": ({"crit": ["exp"]}, "WRONG_TYPE"), "another key": ({"kid": "other"}, "WRONG_KEY"),
    "no key": ({"kid": None}, "WRONG_KEY"), "a number for a key": ({"kid": 1}, "WRONG_KEY"),
    "several keys": ({"kid": ["current"]}, "WRONG_KEY"), "an object for a key": ({"kid": {"current": 1}}, "WRONG_KEY"),
}  # fmt: skip
CLAIM_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "issuer": ({"iss": "dotdo-gateway"}, "WRONG_ISSUER"), "audience": ({"aud": "other"}, "WRONG_AUDIENCE"),
    "audiences": ({"aud": ["dotdo", "other"]}, "WRONG_AUDIENCE"), "no end": ({"exp": None}, "MALFORMED"),
    "end as text": ({"exp": "9999999999"}, "MALFORMED"), "no beginning": ({"iat": None}, "MALFORMED"),
    "not yet": ({"nbf": 9_999_999_999}, "NOT_YET_VALID"), "no user": ({"sub": None}, "MALFORMED"),
    "no session": ({"sid": 7}, "MALFORMED"),
}  # fmt: skip


@ALGORITHMS
@pytest.mark.parametrize("fault", HEADER_FAULTS)
async def test_the_header_chooses_nothing(keys: tuple[dict[str, Any], ...], fault: str) -> None:
    changes, code = HEADER_FAULTS[fault]
    issuer, _ = tokens(*keys)
    header, claims = parts(await issuer.issue(BEARER))
    assert await code_of(issuer, await signed(keys, header, claims)) == "VALID"
    assert await code_of(issuer, await signed(keys, {**header, **changes}, claims)) == code


@ALGORITHMS
@pytest.mark.parametrize("fault", CLAIM_FAULTS)
async def test_claims_have_to_be_these(keys: tuple[dict[str, Any], ...], fault: str) -> None:
    changes, code = CLAIM_FAULTS[fault]
    issuer, _ = tokens(*keys)
    header, claims = parts(await issuer.issue(BEARER))
    assert await code_of(issuer, await signed(keys, header, {**claims, **changes})) == code


@ALGORITHMS
@pytest.mark.parametrize("no_object", [[], ["alg"], "x", 1, None], ids=repr)
async def test_header_and_claims_are_objects(keys: tuple[dict[str, Any], ...], no_object: object) -> None:
    issuer, _ = tokens(*keys)
    header, claims = parts(await issuer.issue(BEARER))
    assert await code_of(issuer, await signed(keys, no_object, claims)) == "MALFORMED"
    assert await code_of(issuer, await signed(keys, header, no_object)) == "MALFORMED"


async def test_a_public_key_is_no_shared_secret() -> None:
    """The classic confusion: a token "signed" by HMAC with what everybody may read."""
    issuer, bindings = tokens(CURRENT)
    header, claims = parts(await issuer.issue(BEARER))
    published = json.dumps(signing_keys(bindings)["current"].published).encode()
    for secret in (CURRENT["x"].encode(), decode(CURRENT["x"]), published, SECRET.encode()):
        assert await code_of(issuer, shared({**header, "alg": "HS256"}, claims, secret)) == "WRONG_TYPE"
        assert await code_of(issuer, shared(header, claims, secret)) == "BAD_SIGNATURE"


@pytest.mark.parametrize("signature", ["", "AAAA", encode(bytes(64))])
async def test_an_empty_or_foreign_signature_holds_nothing(signature: str) -> None:
    for keys in ((), (CURRENT,)):
        issuer, _ = tokens(*keys)
        signed = (await issuer.issue(BEARER)).rpartition(".")[0]
        assert await code_of(issuer, f"{signed}.{signature}") == "BAD_SIGNATURE"


async def test_keys_rotate_without_a_token_failing() -> None:
    """previous → current → next: at each step what the step before issued still holds."""
    steps = [(PREVIOUS, CURRENT), (CURRENT, NEXT, PREVIOUS), (NEXT, {**CURRENT, "d": None})]
    issued = None
    for step in steps:
        issuer, _ = tokens(*({name: value for name, value in key.items() if value} for key in step))
        if issued:
            assert await code_of(issuer, issued) == "VALID"
        issued = await issuer.issue(BEARER)
        assert parts(issued)[0]["kid"] == step[0]["kid"]
    gone, _ = tokens(PREVIOUS)
    assert issued is not None
    assert await code_of(gone, issued) == "WRONG_KEY"


async def test_another_library_verifies_by_the_published_keys() -> None:
    issuer, bindings = tokens(CURRENT, NEXT)
    token = await issuer.issue(BEARER)
    published = [key.published for key in signing_keys(bindings).values()]
    assert [sorted(key) for key in published] == [["alg", "crv", "kid", "kty", "use", "x"]] * 2
    chosen = jwt.PyJWKSet.from_dict({"keys": published})["current"]
    claims = jwt.decode(
        token, chosen.key, algorithms=["EdDSA"], audience="dotdo", issuer="dotdo-auth",
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    assert claims["sub"] == "usr_1"


@pytest.mark.parametrize(
    "jwks",
    [
        "{", "[]", "{}", '{"keys": []}', '{"keys": {}}', '{"keys": [7]}',
        json.dumps({"keys": [{**CURRENT, "kid": ""}]}),
        json.dumps({"keys": [{**CURRENT, "crv": "X25519"}]}),
        json.dumps({"keys": [CURRENT, CURRENT]}),
        json.dumps({"keys": [{name: value for name, value in CURRENT.items() if name != "d"}]}),
    ],
)  # fmt: skip
async def test_an_unusable_set_is_named_and_nobody_gets_in(jwks: str) -> None:
    issuer, _ = tokens(JWT_PRIVATE_JWKS=jwks)
    with pytest.raises(ServiceError) as refused:
        await issuer.issue(BEARER)
    assert (refused.value.code, "JWT_PRIVATE_JWKS" in refused.value.detail) == ("NOT_CONFIGURED", True)
    assert CURRENT["d"] not in refused.value.detail


@pytest.mark.parametrize(
    ("secret", "taken"), [("j" * 32, True), ("é" * 16, True), ("j" * 31, False), ("é" * 15, False)]
)
@pytest.mark.parametrize("name", ["JWT_SECRET", "JWT_REFRESH_SECRET"])
def test_a_secret_has_thirty_two_bytes(name: str, secret: str, taken: bool) -> None:
    bindings = FakeBindings({name: secret})
    if taken:
        assert secret_of(bindings, name) == secret.encode()
        return
    with pytest.raises(ServiceError, match=f"NOT_CONFIGURED: {name}: shorter than 32 bytes"):
        secret_of(bindings, name)


def test_a_key_shows_nothing_of_itself() -> None:
    _, bindings = tokens(CURRENT)
    assert CURRENT["d"] not in repr(signing_keys(bindings))
