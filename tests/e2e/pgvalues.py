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
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
int8 = (
    st.integers(-(2**63), 2**63 - 1)
    | st.integers(-3, 3).map(lambda n: SAFE + n)
    | st.integers(-3, 3).map(lambda n: n - SAFE)
).map(str)
floats = st.floats().filter(lambda value: math.copysign(1, value) > 0 or value != 0).map(float_text)
singles = st.floats(width=32).filter(lambda value: math.copysign(1, value) > 0 or value != 0).map(float_text)
numerics = (
    st.decimals(allow_nan=True, allow_infinity=True)
    .filter(lambda d: not d.is_snan())
    .map(
        lambda d: (
            "NaN"
            if d.is_nan()
            else format(d, "f")
            if d.is_finite() and abs(d.adjusted()) < 300
            else str(Decimal(0) if d.is_finite() else d)
        )
    )
)
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
vectors = st.lists(st.floats(-1e30, 1e30, width=32), min_size=3, max_size=3).map(lambda values: json.dumps(values))

TYPES = [
    Type("bool", st.sampled_from(["t", "f"]), as_text=False), Type("int2", whole(16), as_text=False),
    Type("int4", whole(32), as_text=False), Type("int8", int8, as_text=False),
    Type("oid", st.integers(0, 2**32 - 1).map(str), as_text=False), Type("float4", singles, as_text=False),
    Type("float8", floats, as_text=False), Type("json", objects, as_text=False), Type("jsonb", objects, as_text=False),
    Type("timestamptz", instants.map(str), as_text=False), Type("numeric", numerics), Type("numeric(20,4)", st.decimals(
        -10**15, 10**15, places=4).map(str)),
    Type("text", texts), Type("varchar(30)", texts), Type("char(30)", texts), Type("bytea", hexes), Type("uuid", uuids),
    Type("date", dates), Type("time", st.times().map(str)), Type("timestamp", instants.map(lambda at: str(at.replace(tzinfo=None)))),
    Type("interval", intervals), Type("inet", st.ip_addresses().map(str)), Type("cidr", ipv4), Type("macaddr", st.binary(
        min_size=6, max_size=6).map(lambda raw: raw.hex(":"))),
    Type("varbit", st.text("01", max_size=40)), Type("int4range", st.integers(0, 9).map(lambda n: f"[{n},{n + 5})")),
    Type("point", st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(str)), Type("vector(3)", vectors),
    Type("int4[]", array(whole(32)), as_text=False), Type("int8[]", array(int8), as_text=False),
    Type("float8[]", array(floats), as_text=False), Type("bool[]", array(st.sampled_from(["t", "f"])), as_text=False),
    Type("timestamptz[]", array(instants.map(str)), as_text=False), Type("jsonb[]", array(objects), as_text=False),
    Type("text[]", array(texts)), Type("varchar[]", array(texts)), Type("numeric[]", array(numerics)), Type("uuid[]", array(uuids)),
    Type("date[]", array(dates)), Type("bytea[]", array(hexes)), Type("interval[]", array(intervals)),
]  # fmt: skip
