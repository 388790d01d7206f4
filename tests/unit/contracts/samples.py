"""Values that fit a JSON Schema, for the declarations to be checked with."""

from collections.abc import Mapping
from typing import Any

from scripts.contracts.schemas import Schema

REF = "#/$defs/"
_PLAIN: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def sample(schema: Schema, models: Mapping[str, Schema], *, whole: bool) -> Any:
    """`whole`: every property, lists and maps with something in them; else the least that fits."""
    if "$ref" in schema:
        return sample(models[schema["$ref"].removeprefix(REF)], models, whole=whole)
    if values := schema.get("enum", [schema["const"]] if "const" in schema else None):
        return values[-1 if whole else 0]
    if union := schema.get("anyOf", schema.get("oneOf")):
        return sample(union[0 if whole else -1], models, whole=whole)
    match schema.get("type"):
        case "array":
            value: Any = [sample(schema.get("items", {}), models, whole=whole)] if whole else []
        case "object":
            value = _object(schema, models, whole)
        case kind:
            value = _PLAIN[kind] if kind else {"anything": [1, None]}
    return value


def _object(schema: Schema, models: Mapping[str, Schema], whole: bool) -> dict[str, Any]:
    fields = schema.get("properties", {})
    names = fields if whole else schema.get("required", ())
    found = {name: sample(fields[name], models, whole=whole) for name in names}
    more = schema.get("additionalProperties", not fields)
    if whole and more:
        found["anyName"] = sample(more if isinstance(more, dict) else {}, models, whole=whole)
    return found
