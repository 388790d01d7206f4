"""PostgreSQL's text output, decoded by type OID into JSON-safe Python values.

OIDs: PostgreSQL's `pg_type.dat`. `numeric` stays text, since no JSON number holds it exactly; `bytea` stays `\\x…`;
float specials, which JSON has no numbers for, stay `NaN` and `Infinity` as text.

`int8` is a number up to 2^53 - 1 either way and text beyond, in arrays as well. Rows reach JavaScript through JSON.parse, which
would round what lies beyond without a word; a BigInt would make `count(*)` one, too, and no JSON text can hold it. Python
callers get the same, so that a row does not depend on who reads it. As a parameter both forms are taken, and a BigInt.

Numbers inside `json` and `jsonb` are JSON's: whoever needs more digits than a double has stores them as text. Instants have
milliseconds, as JavaScript's; microseconds come with `::text`. A list as a parameter is an array: a JSON list is bound as text.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from db.adapters.integers import safe_integer
from dotdo.errors import ServiceError
from dotdo.instants import utc_text
from dotdo.nesting import MAX_DEPTH, text_nests_deeper

Decoder = Callable[[str], Any]

# How PostgreSQL writes all but the rarest instants when the session's time zone is UTC, which Neon's is.
_IN_UTC = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00")
# What callers store, with the list of rows around it that some of our own statements answer.
MAX_DECODED_DEPTH = MAX_DEPTH + 2


def decode_float(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def decode_timestamptz(text: str) -> str:
    """RFC 3339 in UTC with milliseconds. Infinity and years outside 1 to 9999 stay as PostgreSQL writes them."""
    if plain := _IN_UTC.fullmatch(text):
        day, time, fraction = plain.groups("")
        return f"{day}T{time}.{fraction:0<3.3}Z"
    try:
        return utc_text(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return text


def decode_jsonb(text: str) -> Any:
    """As `json.loads`, in a third of its time. Raises RESULT_TOO_DEEP."""
    require_shallow(text, MAX_DECODED_DEPTH)
    return from_json(text)


def decode_json(text: str) -> Any:
    """Raises RESULT_TOO_DEEP. json, unlike jsonb, keeps half of a surrogate pair, which `from_json` refuses."""
    require_shallow(text, MAX_DECODED_DEPTH)
    return json.loads(text)


def require_shallow(text: str, depth: int) -> None:
    """Raises RESULT_TOO_DEEP for JSON that nests deeper."""
    if text_nests_deeper(text, depth):
        raise ServiceError(
            "RESULT_TOO_DEEP", 400, "Result too deep", f"a JSON value nests deeper than {MAX_DEPTH} levels"
        )


def decode_array(element: Decoder) -> Decoder:
    """`{a,"b,c",NULL,{…}}` as nested lists. PostgreSQL's array_out doubles nothing and escapes by backslash."""

    def decode(text: str) -> list[Any]:
        start = text.index("{")  # a lower bound other than 1 is written before it: [0:1]={…}
        values, end = _array_items(text, start + 1, element)
        if end != len(text):
            raise ValueError("array text goes on after its end")
        return values

    return decode


def _array_items(text: str, at: int, element: Decoder) -> tuple[list[Any], int]:
    """The items from `at`, behind an opening brace, and the index behind its closing brace."""
    items: list[Any] = []
    while text[at] != "}":
        if text[at] == ",":
            at += 1
        elif text[at] == "{":
            nested, at = _array_items(text, at + 1, element)
            items.append(nested)
        elif text[at] == '"':
            quoted, at = _quoted(text, at + 1)
            items.append(element(quoted))
        else:
            end = at
            while text[end] not in ",}":
                end += 1
            word, at = text[at:end], end
            items.append(None if word == "NULL" else element(word))
    return items, at + 1


def _quoted(text: str, at: int) -> tuple[str, int]:
    characters: list[str] = []
    while text[at] != '"':
        if text[at] == "\\":
            at += 1
        characters.append(text[at])
        at += 1
    return "".join(characters), at + 1


SCALARS: dict[int, Decoder] = {
    16: lambda text: text == "t",  # bool
    20: safe_integer,
    21: int,  # int2
    23: int,  # int4
    26: int,  # oid
    114: decode_json,  # json
    700: decode_float,  # float4
    701: decode_float,  # float8
    1184: decode_timestamptz,
    3802: decode_jsonb,
}

# array type → element type; elements that are not in SCALARS are text
ARRAYS = {
    199: 114, 1000: 16, 1001: 17, 1002: 18, 1005: 21, 1007: 23, 1009: 25, 1014: 1042, 1015: 1043, 1016: 20,
    1021: 700, 1022: 701, 1028: 26, 1115: 1114, 1182: 1082, 1183: 1083, 1185: 1184, 1187: 1186, 1231: 1700,
    2951: 2950, 3807: 3802,
}  # fmt: skip

DECODERS: dict[int, Decoder] = {
    **SCALARS,
    **{array: decode_array(SCALARS.get(element, str)) for array, element in ARRAYS.items()},
}
