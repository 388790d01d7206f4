"""JSON Schemas of everything a contract's rows take and give."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]

INPUT: Mode = "validation"
OUTPUT: Mode = "serialization"


def schemas_of(
    types: Iterable[tuple[str, Mode, Any]], *, camel: bool, ref_template: str
) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The schema of each named type, and the models they refer to. `camel`: the names on the wire of RPC, else of HTTP."""
    adapters = [(name, mode, TypeAdapter(kind)) for name, mode, kind in types]
    found, definitions = TypeAdapter.json_schemas(adapters, by_alias=camel, ref_template=ref_template)
    models = definitions.get("$defs", {})
    return {name: _untitled(schema) for (name, _), schema in found.items()}, _untitled(models)


def parameters_of(params: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """By name: the type of an RPC parameter, and whether it must be given."""
    return {name: (kind, _required(default)) for name, (kind, default) in params.items()}


def _required(default: Any) -> bool:
    return default is ... or (isinstance(default, FieldInfo) and default.is_required())


def _untitled(value: Any) -> Any:
    """Without the titles that pydantic makes of names: they say nothing the names do not. A property may be called title."""
    if isinstance(value, list):
        return [_untitled(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: _untitled(part) for key, part in value.items() if not (key == "title" and isinstance(part, str))}
