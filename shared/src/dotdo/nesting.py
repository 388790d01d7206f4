"""Limits on how deep JSON is nested.

A parser that recurses ends the whole isolate on Pyodide when a text is nested some thousand levels, and pydantic writes
no more than 49 levels there. So a text is measured before it is parsed, and a document before it is stored.
"""

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

MAX_TEXT_DEPTH = 40
"""Levels of a request or an answer as a whole."""

MAX_DOCUMENT_DEPTH = 32
"""Levels of a document that is kept: it travels inside lists and envelopes."""

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKET = re.compile(r"[^\[\]{}]+")
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


def parse_json(text: str, *, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """As `json.loads`. Raises ValueError also for a text nested deeper than MAX_TEXT_DEPTH."""
    if deeper_than(text, MAX_TEXT_DEPTH):
        raise ValueError(f"JSON nested deeper than {MAX_TEXT_DEPTH} levels")
    return json.loads(text, parse_constant=parse_constant)


def deeper_than(text: str, limit: int) -> bool:
    """Whether a JSON text has more than `limit` levels. Without recursion; most texts cost two counts."""
    if text.count("[") + text.count("{") <= limit:
        return False
    brackets = _NO_BRACKET.sub("", _STRING.sub("", text))
    return max(itertools.accumulate(map(_STEP.__getitem__, brackets)), default=0) > limit


def not_too_deep(document: dict[str, Any]) -> dict[str, Any]:
    """The document. Raises ValueError when it has more levels than are kept."""
    level: list[Any] = [document]
    for _ in range(MAX_DOCUMENT_DEPTH):
        level = [inner for value in level for inner in _inside(value) if isinstance(inner, (dict, list))]
        if not level:
            return document
    raise ValueError(f"nested deeper than {MAX_DOCUMENT_DEPTH} levels")


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value
