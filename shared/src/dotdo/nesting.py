"""How deep JSON nests, known before anything recurses into it.

On the Workers runtime the parser's recursion ends not in RecursionError but in the end of the whole isolate, with everything
that is running in it: some 4000 brackets do it. What arrives is measured first, without recursion.
"""

import json
import re
from collections.abc import Collection
from typing import Any

MAX_TEXT_DEPTH = 64
"""Of a whole request body: more than `MAX_DEPTH`, so that a value too deep is refused by name."""

MAX_DEPTH = 32
"""Of one value. pydantic writes no more than 49 levels on WebAssembly, and answers put some around the value."""

# Strings, and everything that opens or closes nothing. A string that does not end reaches to the end: one pass, whatever comes.
_NOT_A_BRACKET = re.compile(r'"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)|[^\[\]{}"]++', re.DOTALL)
_AS_ONE_KIND = str.maketrans("{}", "[]")


def text_nests_deeper(text: str, limit: int) -> bool:
    """Whether JSON text nests deeper than this. Also true for much that is no JSON, which has nothing to lose."""
    if text.count("[") + text.count("{") <= limit:
        return False
    brackets = _NOT_A_BRACKET.sub("", text).translate(_AS_ONE_KIND)
    for _ in range(limit):
        brackets = brackets.replace("[]", "")
    return bool(brackets)


_SCALARS = frozenset({str, int, float, bool, type(None)})


def _items(value: dict[Any, Any] | list[Any]) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value


def nests_deeper(value: Any, limit: int) -> bool:
    """Whether lists and dicts nest deeper than this. One that holds itself does."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        # Most hold nothing but scalars, which is seen without a step of Python for each.
        level = [outer for outer in level if not _SCALARS.issuperset(map(type, _items(outer)))]
        found = (inner for outer in level for inner in _items(outer))
        # by identity: what stands in several places counts once, or a few lists in each other would be millions
        level = list({id(inner): inner for inner in found if isinstance(inner, dict | list)}.values())
        if not level:
            return False
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
