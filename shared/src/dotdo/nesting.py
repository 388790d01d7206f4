"""How deep JSON nests, known before anything recurses into it.

On the Workers runtime the parser's recursion ends not in RecursionError but in the end of the whole isolate, with everything
that is running in it: some 4000 brackets do it. What arrives is measured first, without recursion.
"""

import json
from typing import Any

MAX_TEXT_DEPTH = 64
"""Of a whole request body: more than `MAX_DEPTH`, so that a value too deep is refused by name."""

MAX_DEPTH = 32
"""Of one value. pydantic writes no more than 49 levels on WebAssembly, and answers put some around the value."""

_AS_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def text_nests_deeper(text: str, limit: int) -> bool:
    """Whether JSON text nests deeper than this. Also true for much that is no JSON, which has nothing to lose."""
    if text.count("[") + text.count("{") <= limit:
        return False
    # Without what is escaped every second piece between quotes is a string. Each step is one pass in C, whatever comes; and up
    # to its first mistake, where a parser would stop, the text is understood as a parser does.
    plain = text.replace("\\\\", "").replace('\\"', "") if "\\" in text else text
    outside = "".join(plain.split('"')[::2]).encode(errors="replace")
    brackets = outside.translate(_AS_ONE_KIND, _NO_BRACKETS)
    for _ in range(limit):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


_SCALARS = frozenset({str, int, float, bool, type(None)})
_CONTAINERS = (dict, list)
_FEW = 64


def nests_deeper(value: Any, limit: int) -> bool:
    """Whether lists and dicts nest deeper than this. One that holds itself does."""
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(limit):
        found: list[Any] = []
        for outer in level:
            items = outer.values() if isinstance(outer, dict) else outer
            # Most hold nothing but scalars, which is seen without a step of Python for each.
            if not _SCALARS.issuperset(map(type, items)):
                found += [inner for inner in items if isinstance(inner, _CONTAINERS)]
        if not found:
            return False
        # by identity: what stands in several places counts once, or a few lists in each other would be millions
        level = found if len(found) <= _FEW else list({id(inner): inner for inner in found}.values())
    return bool(level)


def parse_json(body: str | bytes) -> Any:
    """`json.loads` of text from outside. Raises ValueError also for what nests too deep, is not UTF-8, or says NaN."""
    text = body if isinstance(body, str) else body.decode()
    if text_nests_deeper(text, MAX_TEXT_DEPTH):
        raise ValueError(f"nested deeper than {MAX_TEXT_DEPTH} levels")
    return _DECODER.decode(text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
