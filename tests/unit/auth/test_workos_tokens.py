"""Access tokens of WorkOS: whose signature, for whom, and of when."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest

from auth.adapters.workos import WorkOS
from auth.adapters.workos.tokens import Claims
from dotdo import jws
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeClock, FakeHttp
from dotdo.ports import HttpCall, HttpReply
from tests.unit.auth.rsa import HostRs256, private_key, public_jwk, signed

NOW = int(FakeClock().now)
CLAIMS: dict[str, Any] = {"sub": "user_1", "sid": "session_1", "iat": NOW, "exp": NOW + 300}


class Keys:
    """A WorkOS whose key set is `keys`."""

    def __init__(self, *kids: str) -> None:
        self.keys: list[Any] = [public_jwk(kid) for kid in kids]
        self.http = FakeHttp(self._answer)
        self.bindings = FakeBindings(
            {"WORKOS_CLIENT_ID": "client_1", "WORKOS_API_KEY": "sk"}, http=self.http, rs256=HostRs256()
        )
        self.tokens = WorkOS(self.bindings).tokens

    def _answer(self, call: HttpCall) -> HttpReply:
        assert call.url == "https://api.workos.com/sso/jwks/client_1"
        return HttpReply(200, {}, json.dumps({"keys": self.keys}).encode())


async def refused(keys: Keys, token: str) -> None:
    with pytest.raises(ServiceError) as error:
        await keys.tokens.verify(token)
    assert error.value.code == "UPSTREAM_ERROR"


async def test_what_a_good_token_says_is_believed() -> None:
    told = {**CLAIMS, "org_id": "org_1", "role": "member", "permissions": ["a:read"], "iss": "anything", "jti": "j"}
    assert await Keys("k").tokens.verify(signed(told, "k")) == Claims(
        "user_1", "session_1", "org_1", "member", ("a:read",)
    )
    assert await Keys("k").tokens.verify(signed(CLAIMS, "k")) == Claims("user_1", "session_1", None, None, ())


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": NOW - 31}, {"exp": None}, {"exp": "soon"}, {"iat": NOW + 31}, {"nbf": NOW + 31}, {"sub": None}, {"sub": 1},
        {"sid": 1}, {"org_id": ["org_1"]}, {"role": {}}, {"permissions": "a:read"}, {"permissions": [1]},
        {"aud": "client_2"}, {"aud": ["client_2"]}, {"aud": []}, {"client_id": "client_2"},
    ],
)  # fmt: skip
async def test_what_does_not_hold_is_not_believed(changed: dict[str, Any]) -> None:
    told = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    token = jwt.PyJWS().encode(json.dumps(told).encode(), private_key("k"), algorithm="RS256", headers={"kid": "k"})
    await refused(Keys("k"), token)


@pytest.mark.parametrize(
    "told", [{"exp": NOW - 29}, {"iat": NOW + 29}, {"aud": "client_1"}, {"aud": ["x", "client_1"]}]
)
async def test_clocks_differ_a_little_and_an_audience_may_be_named(told: dict[str, Any]) -> None:
    assert (await Keys("k").tokens.verify(signed({**CLAIMS, **told}, "k"))).user_id == "user_1"


def unsigned(header: dict[str, Any], signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, CLAIMS)]
    return ".".join([*parts, signature])


async def test_the_algorithm_is_ours_to_choose() -> None:
    public = json.dumps(public_jwk("k"))
    keys = Keys("k")
    good = signed(CLAIMS, "k")
    for header in (
        {"alg": "none", "kid": "k"},
        {"alg": "None", "kid": "k"},
        {"kid": "k"},
        {"alg": "RS512", "kid": "k"},
    ):
        await refused(keys, unsigned(header))
        await refused(keys, unsigned(header, good.rpartition(".")[2]))
    for secret in (public.encode(), public_jwk("k")["n"].encode()):
        confused = jws.signing_input(CLAIMS, alg="HS256", typ="JWT", kid="k")
        await refused(keys, jws.compact(confused, hmac.digest(secret, confused.encode(), hashlib.sha256)))
    await refused(keys, signed(CLAIMS, "k", crit=["exp"]))
    for text in ("", "a", "a.b", "a.b.c.d", good + "x", good[:-2], good.replace(".", "..", 1)):
        await refused(keys, text)


async def test_a_keys_name_is_not_its_signature() -> None:
    keys = Keys("k")
    forged = jwt.encode(CLAIMS, private_key("mine"), algorithm="RS256", headers={"kid": "k"})
    await refused(keys, forged)
    head, _, signature = signed(CLAIMS, "k").split(".")
    _, other, _ = signed({**CLAIMS, "sub": "user_2"}, "k").split(".")
    await refused(keys, f"{head}.{other}.{signature}")
    await refused(keys, jwt.encode(CLAIMS, private_key("k"), algorithm="RS256"))


async def test_the_key_set_is_kept_for_an_hour() -> None:
    keys = Keys("k")
    for _ in range(3):
        await keys.tokens.verify(signed(CLAIMS, "k"))
    assert len(keys.http.calls) == 1
    keys.keys = [public_jwk("next")]
    keys.bindings.clock.now += 3601
    fresh = {**CLAIMS, "iat": NOW + 3600, "exp": NOW + 4000}
    await refused(keys, signed(fresh, "k"))
    assert (await keys.tokens.verify(signed(fresh, "next"))).user_id == "user_1"
    assert len(keys.http.calls) == 2


async def test_a_new_key_is_found_and_an_invented_one_does_not_ask_each_time() -> None:
    keys = Keys("k")
    await keys.tokens.verify(signed(CLAIMS, "k"))
    keys.keys.append(public_jwk("next"))
    keys.bindings.clock.now += 31
    assert (await keys.tokens.verify(signed(CLAIMS, "next"))).user_id == "user_1"
    for _ in range(5):
        await refused(keys, signed(CLAIMS, "invented"))
    assert len(keys.http.calls) == 2


@pytest.mark.parametrize(
    "key", [{}, {"kid": "k"}, {**public_jwk("k"), "use": "enc"}, {**public_jwk("k"), "alg": "RS512"},
            {**public_jwk("k"), "kty": "EC"}, {**public_jwk("k"), "n": 5}],
)  # fmt: skip
async def test_a_key_for_something_else_verifies_nothing(key: dict[str, Any]) -> None:
    keys = Keys()
    keys.keys = [key]
    await refused(keys, signed(CLAIMS, "k"))


async def test_an_issuer_counts_where_one_is_set() -> None:
    keys = Keys("k")
    keys.bindings.texts["WORKOS_ISSUER"] = "https://api.workos.com https://auth.acme.example"
    for issuer in ("https://api.workos.com", "https://auth.acme.example"):
        assert (await keys.tokens.verify(signed({**CLAIMS, "iss": issuer}, "k"))).user_id == "user_1"
    await refused(keys, signed({**CLAIMS, "iss": "https://api.workos.com.evil"}, "k"))
    await refused(keys, signed(CLAIMS, "k"))
