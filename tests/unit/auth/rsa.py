"""RSA by OpenSSL, where there is no WebCrypto: a second implementation of the port, and tokens as WorkOS signs them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from tests.unit.auth.ed25519 import decode, encode


class HostRs256:
    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        numbers = RSAPublicNumbers(*(int.from_bytes(decode(public[name])) for name in ("e", "n")))
        try:
            numbers.public_key().verify(signature, data, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


@cache
def private_key(kid: str) -> RSAPrivateKey:
    """One for each id, as long as the tests run."""
    return generate_private_key(65537, 2048)


def public_jwk(kid: str) -> dict[str, Any]:
    numbers = private_key(kid).public_key().public_numbers()
    n, e = (encode(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.n, numbers.e))
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": n, "e": e}


def signed(claims: dict[str, Any], kid: str = "workos_1", **header: Any) -> str:
    return jwt.encode(claims, private_key(kid), algorithm="RS256", headers={"kid": kid, **header})
