"""JSON that strangers send. On the Workers' runtime the parser's recursion has no guard: ten kilobytes of `[` end the isolate,
with every request in it. How deep a text goes is therefore counted before it is parsed.
"""

import json
import re
from array import array
from itertools import accumulate
from typing import Any

MAX_DEPTH = 40
"""pydantic writes no more than 49 levels here, and an answer wraps what was sent in a few of its own."""

# A string up to its end or, for one that is cut off, the end of the text: each byte is looked at once.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEP = bytes(1 if byte in b"[{" else 255 for byte in range(256))  # +1 and -1 as signed bytes
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")


def depth(raw: bytes) -> int:
    """How deep arrays and objects are nested, brackets inside of strings aside; at least as deep as a parser would go."""
    steps = _STRING.sub(b"", raw).translate(_STEP, _NO_BRACKET)
    return max(accumulate(array("b", steps)), default=0)


def too_deep(raw: bytes) -> bool:
    brackets = raw.count(b"[") + raw.count(b"{")  # most texts have fewer of them than would be too deep
    return brackets > MAX_DEPTH and depth(raw) > MAX_DEPTH


def parse_json(raw: bytes) -> Any:
    """The value of a UTF-8 text. Raises ValueError for what is no JSON (NaN and Infinity too) or nested too deeply."""
    if too_deep(raw):
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
