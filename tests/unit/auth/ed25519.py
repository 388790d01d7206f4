"""Ed25519 by OpenSSL, where there is no WebCrypto: a second implementation of the port."""

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jwk(seed: int, kid: str) -> dict[str, Any]:
    """A private key, the same for the same seed."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    public = private.public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(public), "d": encode(bytes([seed]) * 32), "kid": kid}


class HostEd25519:
    async def sign(self, private: Mapping[str, str], data: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(decode(private["d"])).sign(data)

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(decode(public["x"])).verify(signature, data)
        except InvalidSignature:
            return False
        return True
