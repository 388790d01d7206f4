"""What an operation takes beside its body: path, query and header parameters."""

from collections.abc import Mapping
from typing import Any

from dotdo.contract import Endpoint
from scripts.contracts.examples import PARAMETERS
from scripts.contracts.schemas import Schema

Parameter = dict[str, Any]

_TAGS = {"type": "string", "examples": ['"3"']}

_HEADERS: Mapping[str, Parameter] = {
    "If-Match": {
        "description": "Write only when one of these is the stored version, or with `*` when there is one.",
        "schema": {**_TAGS, "pattern": r'^(\*|(W/)?"[1-9][0-9]{0,16}"(, (W/)?"[1-9][0-9]{0,16}")*)$'},
    },
    "If-None-Match": {
        "description": "Answer 304 when this is what there is.",
        "schema": {**_TAGS, "pattern": r'^(\*|(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*)$'},
    },
    "Idempotency-Key": {
        "description": "The same key and request within 24 hours: done once, answered the same.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,512}$"},
    },
    "WorkOS-Signature": {
        "description": "When it was signed, in milliseconds, and the HMAC-SHA-256 of that, a full stop and the body.",
        "schema": {"type": "string", "pattern": "^t=[0-9]+, ?v1=[0-9a-f]{64}$"},
    },
}
_CREATE_ONLY: Parameter = {
    "description": "Write only when there is nothing yet; not together with `If-Match`.",
    "schema": {"type": "string", "const": "*"},
}


def parameters(service: str, endpoint: Endpoint, query: Schema | None) -> list[Parameter]:
    """`query` is the schema of the query's model, its references resolved."""
    found = [*_path(endpoint), *_query(query), *_headers(endpoint)]
    for parameter in found:
        if parameter["required"] and (service, parameter["name"]) in PARAMETERS:
            parameter["example"] = PARAMETERS[service, parameter["name"]]
    return found


def _path(endpoint: Endpoint) -> list[Parameter]:
    schema = {"type": "string", "minLength": 1}
    names = [part[1:-1] for part in endpoint.parts if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query(schema: Schema | None) -> list[Parameter]:
    if schema is None:
        return []
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _not_null(field)}
        for name, field in schema["properties"].items()
    ]


def _not_null(field: Schema) -> Schema:
    """A query has no null: a parameter is there or it is not."""
    kinds = [kind for kind in field.get("anyOf", []) if kind.get("type") != "null"]
    rest = {key: value for key, value in field.items() if key not in ("anyOf", "default") or value is not None}
    if "anyOf" not in field:
        return rest
    rest.pop("anyOf")
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _headers(endpoint: Endpoint) -> list[Parameter]:
    found = []
    for name in endpoint.headers:
        row = _CREATE_ONLY if name == "If-None-Match" and endpoint.verb != "GET" else _HEADERS[name]
        found.append({"name": name, "in": "header", "required": False, **row})
    return found
