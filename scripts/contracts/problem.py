"""The schemas of RFC 9457 bodies, as `dotdo.problem` and the gateway's limits write them."""

from typing import Any

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What is wrong, as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Not found"]},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "For people.", "examples": ["no such thing"]},
        "instance": {"type": "string", "description": "The request's id."},
        "code": {
            "type": "string",
            "pattern": "^[A-Z][A-Z_]+$",
            "description": "For programs: it stays the same.",
            "examples": ["NOT_FOUND"],
        },
    },
}

QUOTA_EXCEEDED: dict[str, Any] = {
    "description": "A limit is reached.",
    "allOf": [{"$ref": "#/components/schemas/Problem"}],
    "type": "object",
    "properties": {
        "violated-policies": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Which of the policies that `RateLimit-Policy` names.",
            "examples": [["default"]],
        }
    },
}
