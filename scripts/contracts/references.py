"""Which schemas a document refers to."""

from collections.abc import Iterator
from typing import Any

from scripts.contracts.schemas import Schema

REF = "#/components/schemas/"


def used(models: dict[str, Schema], start: Any) -> dict[str, Schema]:
    """The models that `start` refers to, and those that they do, by name. Queries stand as parameters, not as schemas."""
    found: set[str] = set()
    pending = list(references(start))
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += references(models[name])
    return {name: models[name] for name in sorted(found)}


def references(value: Any) -> Iterator[str]:
    """The names of the schemas that anything inside refers to."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(REF):
            yield reference.removeprefix(REF)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references(part)
