"""TypeScript declarations of a service's RPC surface, as a Worker bound to it sees it."""

import json
import re
from collections.abc import Container, Mapping
from typing import Any

from pydantic.alias_generators import to_camel, to_pascal

from dotdo.contract import Contract, RpcMethod
from scripts.contracts.schemas import INPUT, OUTPUT, Mode, Schema, parameters_of, schemas_of

_SIMPLE = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_REF = "#/$defs/"
_FETCH = (
    "  /** Its HTTP interface. */\n  fetch(request: Request | URL | string, init?: RequestInit): Promise<Response>;"
)


def declarations(contract: Contract) -> str:
    """The text of the service's .d.ts file."""
    types: list[tuple[str, Mode, Any]] = []
    for method in contract.methods:
        types.append((f"{method.name}()", OUTPUT, method.result))
        for name, (kind, _) in parameters_of(method.params).items():
            types.append((f"{method.name}.{name}", INPUT, kind))
    schemas, models = schemas_of(types, camel=True, ref_template=_REF + "{model}")
    interfaces = "\n".join(_interface(name, model) for name, model in sorted(models.items()))
    methods = "\n".join((_FETCH, *(_method(method, schemas) for method in contract.methods)))
    name = f"{to_pascal(contract.service)}Service"
    fields = {key for model in models.values() for key in model.get("properties", ())}
    return _camel_in_comments(
        f"// The RPC methods of {contract.service}. Made by `make contracts` from the contract table.\n\n"
        f"{interfaces}\n/** What `env.{contract.service.upper()}` offers. */\nexport interface {name} {{\n{methods}\n}}\n",
        fields,
    )


def _camel_in_comments(text: str, fields: Container[str]) -> str:
    """Docstrings name fields as Python has them: `created_at` becomes `createdAt` where there is such a field."""

    def renamed(found: re.Match[str]) -> str:
        name = to_camel(found[0])
        return name if name in fields else found[0]

    return re.sub(r"`[^`\n]+`", lambda code: re.sub(r"\w+", renamed, code[0]), text)


def _interface(name: str, model: Schema) -> str:
    if "enum" in model or model.get("type") != "object" or "properties" not in model:
        return f"{_comment(model, '')}export type {_name(name)} = {_type(model)};\n"
    required = set(model.get("required", ()))
    lines = [
        f"{_comment(field, '  ')}  {_key(key)}{'' if key in required else '?'}: {_type(field)};"
        for key, field in model["properties"].items()
    ]
    return f"{_comment(model, '')}export interface {_name(name)} {{\n" + "\n".join(lines) + "\n}\n"


def _method(method: RpcMethod, schemas: Mapping[str, Schema]) -> str:
    parameters = parameters_of(method.params)
    listed = ", ".join(
        f"{to_camel(name)}{'' if required else '?'}: {_type(schemas[f'{method.name}.{name}'], optional=not required)}"
        for name, (_, required) in parameters.items()
    )
    return f"  /** {method.summary} */\n  {method.name}({listed}): Promise<{_type(schemas[f'{method.name}()'])}>;"


def _type(schema: Schema, *, optional: bool = False) -> str:
    """An optional parameter may also be null: both take the default."""
    kind = _of(schema)
    return f"{kind} | null" if optional and not kind.endswith("| null") else kind


def _of(schema: Schema) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"].removeprefix(_REF))
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    if union := schema.get("anyOf", schema.get("oneOf")):
        return " | ".join(dict.fromkeys(_of(part) for part in union))
    return _container(schema)


def _container(schema: Schema) -> str:
    kind = schema.get("type", "")
    if kind == "array":
        item = _of(schema.get("items", {}))
        return f"({item})[]" if " | " in item else f"{item}[]"
    if kind == "object":
        values = schema.get("additionalProperties", True)
        return f"Record<string, {_of(values) if isinstance(values, dict) else 'unknown'}>"
    return _SIMPLE.get(kind, "unknown")


def _name(model: str) -> str:
    return re.sub(r"\W+", "_", model)


def _key(key: str) -> str:
    return key if key.isidentifier() else json.dumps(key)


def _comment(schema: Schema, indent: str) -> str:
    text = schema.get("description", "")
    return f"{indent}/** {' '.join(text.split())} */\n" if text else ""
