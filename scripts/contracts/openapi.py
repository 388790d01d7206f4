"""The OpenAPI 3.1 document of everything that is reached through the gateway."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dotdo.contract import Contract, Endpoint
from scripts.contracts.schemas import INPUT, OUTPUT, Mode, Schema, schemas_of

_REF = "#/components/schemas/"
_PROBLEM = {"$ref": "#/components/responses/Problem"}

_SECURITY: list[dict[str, list[str]]] = [{"apiKey": []}, {"accessToken": []}, {"session": []}]

_DESCRIPTION = """The core of the platform, behind one address.

Authenticate with an API key or an access token, `Authorization: Bearer …`, or with the session cookie that signing in sets.
Every error is `application/problem+json` (RFC 9457) with a stable `code`. Lists page by an opaque `cursor`. Every answer
carries `X-Request-ID`, and the `RateLimit` headers where a limit holds."""

_SCHEMES = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "`sk_live_…` or `sk_test_…`"},
    "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
}

_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The request's id."},
        "code": {"type": "string", "pattern": "^[A-Z][A-Z_]+$"},
    },
}


@dataclass(frozen=True, slots=True)
class Mounted:
    """A service's endpoints, and the path they are under at the gateway; empty for the gateway's own."""

    contract: Contract
    prefix: str


def document(services: Sequence[Mounted], version: str) -> dict[str, Any]:
    """As JSON-safe values, in a stable order."""
    schemas, models = schemas_of(_types(services), camel=False, ref_template=_REF + "{model}")
    paths: dict[str, dict[str, Any]] = {}
    for service in services:
        for endpoint in service.contract.endpoints:
            path = (service.prefix + endpoint.path).rstrip("/") or "/"
            paths.setdefault(path, {})[endpoint.verb.lower()] = _operation(
                service.contract.service, endpoint, schemas, models
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dotdo platform",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": service.contract.service} for service in services],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted({**models, "Problem": _PROBLEM_SCHEMA}.items())),
            "responses": {
                "Problem": {
                    "description": "What is wrong.",
                    "content": {"application/problem+json": {"schema": {"$ref": f"{_REF}Problem"}}},
                }
            },
            "securitySchemes": _SCHEMES,
        },
    }


def _types(services: Iterable[Mounted]) -> Iterable[tuple[str, Mode, Any]]:
    for service in services:
        for endpoint in service.contract.endpoints:
            name = _id(service.contract.service, endpoint)
            yield f"{name}:result", OUTPUT, endpoint.result
            for part in ("query", "body"):
                if getattr(endpoint, part) is not None:
                    yield f"{name}:{part}", INPUT, getattr(endpoint, part)


def _id(service: str, endpoint: Endpoint) -> str:
    return f"{service}_{endpoint.handler}"


def _operation(
    service: str, endpoint: Endpoint, schemas: Mapping[str, Schema], models: Mapping[str, Schema]
) -> dict[str, Any]:
    name = _id(service, endpoint)
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [service],
        "summary": endpoint.summary,
        "security": [] if endpoint.access == "public" else _SECURITY,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(schemas.get(f"{name}:query"), models)],
        "responses": _responses(endpoint, schemas[f"{name}:result"]),
    }
    if needs := _needs(endpoint):
        operation["description"] = needs
    if endpoint.body is not None:
        content = {"application/json": {"schema": schemas[f"{name}:body"]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _needs(endpoint: Endpoint) -> str:
    if endpoint.access == "admin":
        return "Needs the role `admin`."
    return f"Needs the permission `{endpoint.permission}`." if endpoint.permission else ""


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1}
    names = [part[1:-1] for part in endpoint.parts if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query_parameters(schema: Schema | None, models: Mapping[str, Schema]) -> list[dict[str, Any]]:
    if schema is None:
        return []
    if "$ref" in schema:
        schema = models[schema["$ref"].removeprefix(_REF)]
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


def _responses(endpoint: Endpoint, result: Schema) -> dict[str, Any]:
    successes: dict[str, Any] = {}
    for status in sorted({endpoint.status, *endpoint.also}):
        successes[str(status)] = {"description": _SAYS.get(status, "Done.")}
        if status in (200, 201, 202):
            successes[str(status)]["content"] = {endpoint.media: {"schema": result}}
    return {**successes, "4XX": _PROBLEM, "5XX": _PROBLEM}


_SAYS = {
    201: "Created.",
    202: "Accepted.",
    204: "Done; there is nothing to say.",
    302: "Elsewhere, see Location.",
    303: "Elsewhere, see Location.",
    304: "What you have is current.",
}
