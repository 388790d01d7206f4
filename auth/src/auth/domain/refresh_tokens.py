"""Refresh tokens: opaque, 256 bits, of which only a keyed hash is stored.

The successor of a token is made from the token itself and the secret: a client whose answer was lost asks again and gets the
same one, though no clear token is kept anywhere.
"""

import base64
import hashlib
import hmac
import re
import secrets

SECRET = "JWT_REFRESH_SECRET"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def generate() -> str:
    return secrets.token_urlsafe(32)


def well_formed(token: str) -> bool:
    return bool(_TOKEN.match(token))


def successor_of(token: str, secret: bytes) -> str:
    return base64.urlsafe_b64encode(_keyed(b"successor", token, secret)).rstrip(b"=").decode()


def stored(token: str, secret: bytes) -> str:
    """The token's hash, as PostgreSQL reads bytea."""
    return "\\x" + _keyed(b"stored", token, secret).hex()


def _keyed(purpose: bytes, token: str, secret: bytes) -> bytes:
    return hmac.digest(secret, purpose + b"\0" + token.encode(), hashlib.sha256)
