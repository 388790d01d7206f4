"""Integers that no digit is lost of on their way to a JavaScript caller."""

_SAFE = 2**53 - 1
"""JavaScript's Number.MAX_SAFE_INTEGER."""


def safe_integer(digits: str) -> int | str:
    """A number up to 2^53 - 1 either way, text beyond."""
    value = int(digits)
    return value if -_SAFE <= value <= _SAFE else digits
