"""API keys: `sk_live_` or `sk_test_`, 32 random base62 characters, 6 of CRC-32 over what precedes.

The checksum refuses typing errors and random guesses without asking the database. It is no secret: what makes a key valid is
that its SHA-256 is stored.
"""

import hashlib
import re
import zlib
from typing import Literal

from dotdo.ids import BASE62, random_base62

Environment = Literal["live", "test"]

RANDOM_CHARACTERS = 32
CHECKSUM_CHARACTERS = 6
DISPLAYED_PREFIX = 12
DISPLAYED_SUFFIX = 4

_KEY = re.compile(r"(sk_(live|test)_[0-9A-Za-z]{32})([0-9A-Za-z]{6})\Z")


def checksum(text: str) -> str:
    """CRC-32 of the text as 6 base62 characters, most significant first."""
    value = zlib.crc32(text.encode())
    digits = ""
    for _ in range(CHECKSUM_CHARACTERS):
        value, digit = divmod(value, 62)
        digits = BASE62[digit] + digits
    return digits


def generate(environment: Environment) -> str:
    """A new key with 190 bits of randomness."""
    body = f"sk_{environment}_{random_base62(RANDOM_CHARACTERS)}"
    return body + checksum(body)


def environment_of(key: str) -> Environment | None:
    """The environment of a well-formed key; None for anything whose form or checksum is wrong."""
    match = _KEY.match(key)
    if match is None or checksum(match[1]) != match[3]:
        return None
    return "live" if match[2] == "live" else "test"


def looks_like_key(credential: str) -> bool:
    return credential.startswith("sk_")


def key_hash(key: str) -> str:
    """SHA-256 as PostgreSQL reads bytea. A key's 190 random bits need no salt and no slow hash."""
    return "\\x" + hashlib.sha256(key.encode()).hexdigest()
