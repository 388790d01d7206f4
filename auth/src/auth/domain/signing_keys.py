"""The Ed25519 keys of JWT_PRIVATE_JWKS (RFC 8037): the first one signs, all of them are published and accepted.

To rotate: publish the new key behind the old one, wait until everybody who keeps the public keys has it, put it first, and take
the old one out once its last token has expired.
"""

import json
from dataclasses import dataclass
from typing import Any

from dotdo.errors import ServiceError, misconfigured
from dotdo.ports import Bindings

VARIABLE = "JWT_PRIVATE_JWKS"
_PUBLIC = ("kty", "crv", "x", "kid")


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """`private` is None for one that only verifies: the previous key may stand there without its secret half."""

    kid: str
    public: dict[str, str]
    private: dict[str, str] | None

    @property
    def published(self) -> dict[str, str]:
        return {**self.public, "kid": self.kid, "alg": "EdDSA", "use": "sig"}


def signing_keys(bindings: Bindings) -> dict[str, SigningKey]:
    """By key id, the one that signs first; none where tokens are HS256. Raises NOT_CONFIGURED for what is no such set."""
    text = bindings.optional(VARIABLE)
    if not text:
        return {}
    try:
        keys = [_read(jwk) for jwk in json.loads(text)["keys"]]
    except (ValueError, KeyError, TypeError):
        raise _unusable() from None
    if not keys or keys[0].private is None or len({key.kid for key in keys}) != len(keys):
        raise _unusable()
    return {key.kid: key for key in keys}


def _read(jwk: Any) -> SigningKey:
    public = {name: jwk[name] for name in _PUBLIC}
    if (public["kty"], public["crv"]) != ("OKP", "Ed25519") or not all(
        isinstance(value, str) and value for value in public.values()
    ):
        raise ValueError("not an Ed25519 key with an id")
    kid = public.pop("kid")
    private = {**public, "d": jwk["d"]} if "d" in jwk else None
    return SigningKey(kid, public, private)


def _unusable() -> ServiceError:
    return misconfigured(
        VARIABLE, 'no JSON object whose "keys" are Ed25519 keys with ids of their own, the first private'
    )
