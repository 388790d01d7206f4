"""What was written and acknowledged, so that every answer can be checked against it, and the stores at the end."""

import hashlib
import random
from dataclasses import dataclass, field
from typing import Any, Literal

NS = "soak"
FORBIDDEN_NS = "soak-forbidden"

How = Literal["put", "patch", "delete"]


def mark(id: str, number: int) -> str:
    """What only the write with this number writes."""
    return hashlib.sha256(f"{id}/{number}".encode()).hexdigest()[:20]


def word(id: str) -> str:
    """What only this thing's text holds."""
    return "w" + hashlib.sha256(id.encode()).hexdigest()[:12]


def content(id: str, number: int) -> dict[str, Any]:
    """The body of a write."""
    return {
        "type": "note",
        "content": f"A note with {word(id)} in it.",
        "data": {"n": number, "mark": mark(id, number)},
    }


@dataclass(slots=True)
class Thing:
    """Its writes are numbered, one after the other: `tried` is the last that was sent, `known` the last acknowledged one.

    Whoever writes holds it (`busy`). A write whose answer was lost is sent again, the same, before any other.
    """

    id: str
    tried: int = 0
    known: int = 0
    how: How = "put"
    gone: bool = False
    busy: bool = False

    @property
    def pending(self) -> bool:
        return self.tried > self.known

    def check(self, row: dict[str, Any], at_least: int) -> str:
        """What is wrong with the thing as somebody was shown it, who asked when `at_least` was known; empty when nothing."""
        number = row["version"]
        if not at_least <= number <= self.tried:
            return f"{self.id}: version {number}, not from {at_least} to {self.tried}"
        if row["data"] != content(self.id, number)["data"]:
            return f"{self.id}: version {number} holds {row['data']}"
        return ""


@dataclass
class Book:
    chance: random.Random
    things: dict[str, Thing] = field(default_factory=dict)
    open: dict[str, Thing] = field(default_factory=dict)
    """Those with a write whose answer was lost."""
    batches: list[list[Thing]] = field(default_factory=list)
    """Batches whose answer was lost."""
    fixed: list[str] = field(default_factory=list)
    """Things that are never deleted: the ends of edges."""
    edges: dict[tuple[str, str], bool] = field(default_factory=dict)
    """By its ends: whether it was acknowledged."""
    events: dict[str, bool] = field(default_factory=dict)
    keys: dict[str, bool] = field(default_factory=dict)
    """By id of the API key: whether its revocation was acknowledged."""
    sessions: dict[str, bool] = field(default_factory=dict)
    acknowledged: int = 0
    _made: int = 0
    _ids: list[str] = field(default_factory=list)

    def new_id(self) -> str:
        self._made += 1
        return f"note-{self._made:06}"

    def add(self, thing: Thing) -> Thing:
        self.things[thing.id] = thing
        self._ids.append(thing.id)
        return thing

    def to_write(self) -> Thing:
        """One whose last write is open, else one that is there or a new one; nobody else is writing it."""
        waiting = [thing for thing in self.open.values() if not thing.busy]
        if waiting:
            return waiting[0]
        thing = self._some()
        if thing is None or thing.busy or thing.gone or thing.known == 0:
            return self.add(Thing(self.new_id()))
        return thing

    def to_read(self) -> Thing | None:
        """One that was acknowledged at some time; deleted ones too, now and then."""
        for _ in range(8):
            thing = self._some()
            if thing is not None and thing.known:
                return thing
        return None

    def acknowledge(self, thing: Thing) -> None:
        thing.known = thing.tried
        self.acknowledged += 1
        self.open.pop(thing.id, None)

    def _some(self) -> Thing | None:
        return self.things[self.chance.choice(self._ids)] if self._ids else None
