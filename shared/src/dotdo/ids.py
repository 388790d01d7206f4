"""Identifiers. Time-ordered where they become keys of a table, so that inserts stay at the end of its index."""

import secrets
import time

CROCKFORD32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# A random byte has the five bits of one character, and three to spare.
_CROCKFORD_OF_BYTE = "".join(CROCKFORD32[byte & 31] for byte in range(256)).encode()


def uuid7() -> str:
    """A version 7 UUID (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def random_base62(length: int) -> str:
    """`length` characters of 5.95 bits each, from the operating system's randomness."""
    return "".join(secrets.choice(BASE62) for _ in range(length))


def ulid() -> str:
    """26 characters of Crockford base 32, sorting by time (https://github.com/ulid/spec)."""
    return ulids(1)[0]


def ulids(count: int) -> list[str]:
    """So many of one millisecond."""
    now_ms = time.time_ns() // 1_000_000
    instant = "".join(CROCKFORD32[now_ms >> shift & 31] for shift in range(45, -1, -5))
    noise = secrets.token_bytes(16 * count).translate(_CROCKFORD_OF_BYTE).decode()
    return [instant + noise[at : at + 16] for at in range(0, 16 * count, 16)]
