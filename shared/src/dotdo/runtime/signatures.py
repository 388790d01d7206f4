"""Signatures by the runtime's WebCrypto."""

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from dotdo.errors import misconfigured
from dotdo.runtime.values import js_object


class WebEd25519:
    """By the runtime's WebCrypto, constant-time and native."""

    async def sign(self, private: Mapping[str, str], data: bytes) -> bytes:
        try:
            key = await self._key(private, "sign")
            signature: bytes = (await js.crypto.subtle.sign("Ed25519", key, to_js(data))).to_bytes()
        except JsException:
            raise misconfigured("JWT_PRIVATE_JWKS", "its first key is no Ed25519 private key") from None
        return signature

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        key = await self._key(public, "verify")
        try:
            return bool(await js.crypto.subtle.verify("Ed25519", key, to_js(signature), to_js(data)))
        except JsException:  # a signature of another length than 64 bytes
            return False

    async def _key(self, jwk: Mapping[str, str], use: str) -> Any:
        return await js.crypto.subtle.importKey("jwk", js_object(dict(jwk)), "Ed25519", False, to_js([use]))


class WebRs256:
    """By the runtime's WebCrypto."""

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        jwk = {name: public.get(name, "") for name in ("kty", "n", "e")}
        algorithm = js_object({"name": "RSASSA-PKCS1-v1_5", "hash": "SHA-256"})
        try:
            key = await js.crypto.subtle.importKey("jwk", js_object(jwk), algorithm, False, to_js(["verify"]))
            return bool(await js.crypto.subtle.verify(algorithm, key, to_js(signature), to_js(data)))
        except JsException:
            return False
