"""Types of PostgreSQL, literals of them, and how psycopg reads what the data layer is to answer."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

SAFE = 2**53 - 1
Literals = st.SearchStrategy[str]


@dataclass(frozen=True)
class Type:
    """`literals`: text that PostgreSQL reads as the type. `as_text`: the answer is its text, else psycopg's own value."""

    name: str
    literals: Literals
    as_text: bool = True

    @property
    def read(self) -> str:
        """The cast that psycopg reads it by."""
        if not self.as_text:
            return self.name
        return "text[]" if self.name.endswith("[]") else "text"


def doubles(value: Any) -> Any:
    """JSON as JavaScript has it: one kind of number. JSON.stringify writes large ones without a point."""
    if isinstance(value, list):
        return [doubles(one) for one in value]
    if isinstance(value, dict):
        return {name: doubles(one) for name, one in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE:
        return float(value)
    return value


def plain(value: Any) -> Any:
    """What psycopg read, as JSON has it."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE:
        return str(value)
    return value


def whole(bits: int) -> Literals:
    edge = 2 ** (bits - 1)
    return (st.integers(-edge, edge - 1) | st.sampled_from([-edge, edge - 1, 0])).map(str)


def float_text(value: float) -> str:
    return str(plain(value))


def array(elements: Literals) -> Literals:
    """One dimension or two, with nulls; every element quoted."""
    one = st.none() | elements
    flat = st.lists(one, max_size=5)
    square = st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(one, min_size=width, max_size=width), min_size=1, max_size=3)
    )
    return (flat | square).map(array_text)


def array_text(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(map(array_text, value)) + "}"
    escaped: str = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def numeric_text(value: Decimal) -> str:
    """What numeric has room for; 0 for more."""
    if not value.is_finite():
        return "NaN" if value.is_nan() else str(value)
    return format(value, "f") if abs(value.adjusted()) < 300 else "0"


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
int8 = (
    st.integers(-(2**63), 2**63 - 1)
    | st.integers(-3, 3).map(lambda n: SAFE + n)
    | st.integers(-3, 3).map(lambda n: n - SAFE)
).map(str)
floats = st.floats().filter(lambda value: math.copysign(1, value) > 0 or value != 0).map(float_text)
singles = st.floats(width=32).filter(lambda value: math.copysign(1, value) > 0 or value != 0).map(float_text)
numerics = st.decimals(allow_nan=True, allow_infinity=True).filter(lambda d: not d.is_snan()).map(numeric_text)
uuids = st.uuids().map(str)
instants = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
dates = st.dates().map(str) | st.sampled_from(["infinity", "-infinity", "0044-03-15 BC", "5000000-01-01"])
numbers = st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False).filter(bool)
objects = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
).map(json.dumps)
intervals = st.tuples(st.integers(-999, 999), st.integers(-999, 999), st.integers(-(10**12), 10**12)).map(
    lambda parts: f"{parts[0]} mons {parts[1]} days {parts[2]} microseconds"
)
ipv4 = st.ip_addresses(v=4).map(str)
hexes = st.binary(max_size=20).map(lambda raw: f"\\x{raw.hex()}")
vectors = st.lists(st.floats(-1024, 1024, width=32), min_size=3, max_size=3).map(json.dumps)

numerics_of_four = st.decimals(-(10**15), 10**15, places=4).map(str)
macs = st.binary(min_size=6, max_size=6).map(lambda raw: raw.hex(":"))
ranges = st.integers(0, 9).map(lambda n: f"[{n},{n + 5})")
points = st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(str)
booleans = st.sampled_from(["t", "f"])
local_instants = instants.map(lambda at: str(at.replace(tzinfo=None)))
zoned_instants = instants.map(str)

_AS_VALUES = {
    "bool": booleans,
    "int2": whole(16),
    "int4": whole(32),
    "int8": int8,
    "oid": st.integers(0, 2**32 - 1).map(str),
    "float4": singles,
    "float8": floats,
    "json": objects,
    "jsonb": objects,
    "timestamptz": zoned_instants,
    "char(30)": texts,
    "int4[]": array(whole(32)),
    "int8[]": array(int8),
    "float8[]": array(floats),
    "bool[]": array(booleans),
    "timestamptz[]": array(zoned_instants),
    "jsonb[]": array(objects),
}

_AS_TEXT = {
    "numeric": numerics,
    "numeric(20,4)": numerics_of_four,
    "text": texts,
    "varchar(30)": texts,
    "bytea": hexes,
    "uuid": uuids,
    "date": dates,
    "time": st.times().map(str),
    "timestamp": local_instants,
    "interval": intervals,
    "inet": st.ip_addresses().map(lambda ip: f"{ip}/24"),
    "cidr": ipv4,
    "macaddr": macs,
    "varbit": st.text("01", max_size=40),
    "int4range": ranges,
    "point": points,
    "vector(3)": vectors,
    "text[]": array(texts),
    "varchar[]": array(texts),
    "numeric[]": array(numerics),
    "uuid[]": array(uuids),
    "date[]": array(dates),
    "bytea[]": array(hexes),
    "interval[]": array(intervals),
}

TYPES = [Type(name, literals, as_text=False) for name, literals in _AS_VALUES.items()] + [
    Type(name, literals) for name, literals in _AS_TEXT.items()
]
