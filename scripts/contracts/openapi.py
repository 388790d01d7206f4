"""The OpenAPI 3.1 document of everything that is reached through the gateway."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dotdo.contract import Contract, Endpoint
from gateway.routes import PUBLIC, Rule, match
from scripts.contracts.answers import headers, problems, responses
from scripts.contracts.examples import BODIES
from scripts.contracts.inputs import parameters
from scripts.contracts.problem import PROBLEM, QUOTA_EXCEEDED
from scripts.contracts.references import REF, used
from scripts.contracts.schemas import INPUT, OUTPUT, Mode, Schema, schemas_of

_SECURITY: list[dict[str, list[str]]] = [{"apiKey": []}, {"accessToken": []}, {"session": []}]

_DESCRIPTION = """The core of the platform, behind one address.

Authenticate with an API key or an access token, `Authorization: Bearer …`, or with the session cookie that signing in sets.
Every error is `application/problem+json` (RFC 9457) with a stable `code`. Lists page by an opaque `cursor`. Every answer
carries `X-Request-ID`, and the `RateLimit` headers where a limit holds."""

_SERVICES = {
    "gateway": "The door: what is here, and whether it works.",
    "db": "Things, what they have to do with each other, search and events.",
    "auth": "Signing in, sessions, API keys and permissions.",
    "schedule": "Tasks by cron, and what became of them.",
}

_SCHEMES = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "`sk_live_…` or `sk_test_…`"},
    "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
}


@dataclass(frozen=True, slots=True)
class Mounted:
    """A service's endpoints, and the path they are under at the gateway; no path: the gateway's own."""

    contract: Contract
    prefix: str = ""

    def rule(self, endpoint: Endpoint) -> Rule:
        """Who passes the gateway on the way there."""
        route = match(self.prefix + endpoint.path) if self.prefix else None
        return route.rule(endpoint.verb) if route else PUBLIC

    def asks(self, endpoint: Endpoint) -> bool:
        """Whether it takes a credential: the route's rule and the row's both hold."""
        return endpoint.access != "public" or self.rule(endpoint) != PUBLIC


def document(services: Sequence[Mounted], version: str) -> dict[str, Any]:
    """As JSON-safe values, in a stable order."""
    schemas, models = schemas_of(_types(services), camel=False, ref_template=REF + "{model}")
    paths: dict[str, dict[str, Any]] = {}
    for service in services:
        for endpoint in service.contract.endpoints:
            path = (service.prefix + endpoint.path).rstrip("/") or "/"
            paths.setdefault(path, {})[endpoint.verb.lower()] = _operation(service, endpoint, schemas, models)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dotdo platform",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "description": _SERVICES[name]}
            for name in (service.contract.service for service in services)
        ],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": used({**models, "Problem": PROBLEM, "QuotaExceeded": QUOTA_EXCEEDED}, [paths, problems()]),
            "responses": problems(),
            "headers": headers(),
            "securitySchemes": _SCHEMES,
        },
    }


def _types(services: Iterable[Mounted]) -> Iterable[tuple[str, Mode, Any]]:
    for service in services:
        for endpoint in service.contract.endpoints:
            name = _id(service, endpoint)
            yield f"{name}:result", OUTPUT, endpoint.result
            for part in ("query", "body"):
                if getattr(endpoint, part) is not None:
                    yield f"{name}:{part}", INPUT, getattr(endpoint, part)


def _id(service: Mounted, endpoint: Endpoint) -> str:
    return f"{service.contract.service}_{endpoint.handler}"


def _operation(
    service: Mounted, endpoint: Endpoint, schemas: Mapping[str, Schema], models: Mapping[str, Schema]
) -> dict[str, Any]:
    name = _id(service, endpoint)
    asks = service.asks(endpoint)
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [service.contract.service],
        "summary": endpoint.summary,
        "security": _SECURITY if asks else [],
        "parameters": parameters(service.contract.service, endpoint, _resolved(schemas.get(f"{name}:query"), models)),
        "responses": responses(endpoint, schemas[f"{name}:result"], own=not service.prefix, credential=asks),
    }
    if needs := _needs(service.rule(endpoint), endpoint):
        operation["description"] = needs
    if endpoint.body is not None:
        content = {"application/json": {"schema": schemas[f"{name}:body"], "example": BODIES[name]}}
        operation["requestBody"] = {"required": not endpoint.may_be_empty, "content": content}
    return operation


def _resolved(schema: Schema | None, models: Mapping[str, Schema]) -> Schema | None:
    return models[schema["$ref"].removeprefix(REF)] if schema and "$ref" in schema else schema


def _needs(rule: Rule, endpoint: Endpoint) -> str:
    """The role, which has every permission, or what the route and the row ask for."""
    if "admin" in (rule.level, endpoint.access):
        return "Needs the role `admin`."
    asked = [f"`{name}`" for name in dict.fromkeys((rule.permission, endpoint.permission)) if name]
    return f"Needs the permission {' and '.join(asked)}." if asked else ""
