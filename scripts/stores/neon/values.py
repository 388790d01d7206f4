"""Values between JSON and PostgreSQL's text form.

Parameters go in as text of unknown type, so that the server decides. Results come out as that text, or, for a client that
does not ask for raw text, as JSON where JSON has the type: booleans, int2, int4, finite floats, json and arrays of them.
int8 and numeric stay strings, because a JavaScript number does not hold them.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

from psycopg.postgres import types

from scripts.stores.neon.errors import SqlError

Decode = Callable[[str], Any]


def parse_json(text: str | bytes) -> Any:
    """JSON in the strict sense: NaN and Infinity are refused. Raises ValueError."""
    return json.loads(text, parse_constant=_refuse_constant)


def encode_text(text: str) -> bytes:
    """UTF-8 for the server. libpq would cut a string at NUL without a word, so that is refused here, as PostgreSQL does."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise SqlError('invalid byte sequence for encoding "UTF8": lone surrogate', "22021") from None
    if b"\0" in encoded:
        raise SqlError('invalid byte sequence for encoding "UTF8": 0x00', "22021")
    return encoded


def encode_param(value: Any) -> bytes | None:
    """A parameter's text: null → NULL, strings as they are, lists as array literals, everything else as JSON."""
    if value is None:
        return None
    return encode_text(_array_literal(value) if isinstance(value, list) else _scalar(value))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        raise SqlError("a number in params is out of range", "22003")
    return json.dumps(value, ensure_ascii=False)


def _array_literal(items: list[Any]) -> str:
    return "{" + ",".join(map(_array_element, items)) + "}"


def _array_element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return _array_literal(value)
    escaped = _scalar(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _json(text: str) -> Any:
    return json.loads(text, parse_float=_float)  # 1e400 is legal in jsonb and stays text


SCALARS: dict[str, Decode] = {
    "bool": lambda text: text == "t",
    "int2": int,
    "int4": int,
    "float4": _float,
    "float8": _float,
    "json": _json,
    "jsonb": _json,
}

_TOKEN = re.compile(r'[{}]|"((?:[^"\\]|\\.)*)"|((?:[^{}",\\]|\\.)+)|,', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def decode_array(text: str, decode: Decode) -> list[Any]:
    """Nested lists of a `{…}` literal; bounds like `[0:1]=` are dropped, as node-postgres does."""
    root: list[Any] = []
    open_lists = [root]
    for token in _TOKEN.finditer(text, text.index("{")):
        quoted, bare = token.groups()
        if quoted is not None:
            open_lists[-1].append(decode(_ESCAPED.sub(r"\1", quoted)))
        elif bare is not None:
            open_lists[-1].append(None if bare == "NULL" else decode(_ESCAPED.sub(r"\1", bare)))
        elif token.group() == "{":
            nested: list[Any] = []
            open_lists[-1].append(nested)
            open_lists.append(nested)
        elif token.group() == "}":
            open_lists.pop()
    outermost: list[Any] = root[0]
    return outermost


def _array_decoder(decode: Decode) -> Decode:
    return lambda text: decode_array(text, decode)


def _decoders() -> dict[int, Decode]:
    """By type OID, for the types whose JSON form is not the text itself. Arrays of types the server does not ship stay text."""
    found: dict[int, Decode] = {}
    for info in types:
        scalar = SCALARS.get(info.name)
        if scalar:
            found[info.oid] = scalar
        if info.array_oid and info.delimiter == ",":
            found[info.array_oid] = _array_decoder(scalar or str)
    return found


DECODERS = _decoders()
