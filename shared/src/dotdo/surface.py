"""A contract table compiled: validators of parameters, serializers of results, and the index its endpoints are found by.

It is made where a Worker is imported and reads nothing of its environment, so that the snapshot a deploy takes holds it: the
first call of an isolate would otherwise pay for it.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, create_model
from pydantic.alias_generators import to_camel

from dotdo.contract import Contract, Endpoint, RpcMethod
from dotdo.errors import invalid_argument, method_not_allowed, not_found
from dotdo.http import HttpRequest
from dotdo.json_text import JsonText
from dotdo.model import Model, validated


@cache
def _adapter(result: Any) -> TypeAdapter[Any]:
    """One for each type: a method and an endpoint that answer with the same share it."""
    return TypeAdapter(result)


def _params(method: RpcMethod) -> type[BaseModel]:
    if not method.params:
        return Model
    return create_model(f"{method.name}Params", __base__=Model, **dict(method.params))


class Method:
    """An RPC method with its compiled parameter model and result serializer."""

    def __init__(self, method: RpcMethod) -> None:
        self.names = tuple(method.params)
        self._aliases = tuple(to_camel(name) for name in self.names)
        self.handler = method.handler
        self._params = _params(method)
        self._result = _adapter(method.result)

    def arguments(self, params: Sequence[Any]) -> dict[str, Any]:
        if len(params) > len(self.names):
            raise invalid_argument(f"at most {len(self.names)} parameters are taken, {len(params)} were given")
        # A parameter that JavaScript leaves undefined, or passes as null, takes its default.
        given = {name: value for name, value in zip(self._aliases, params, strict=False) if value is not None}
        model = validated(self._params, given, camel=True)
        return {name: getattr(model, name) for name in self.names}

    def dump(self, result: Any) -> str:
        """The method's result as JSON text."""
        if isinstance(result, JsonText):
            return result
        return self._result.dump_json(result, by_alias=True).decode()


class Surface:
    def __init__(self, contract: Contract) -> None:
        self.service = contract.service
        self._contract = contract
        self._methods = {method.name: Method(method) for method in contract.methods}
        self._results = {(row.verb, row.path): _adapter(row.result) for row in contract.endpoints}
        self._endpoints: dict[tuple[str, int], list[Endpoint]] = {}
        """By method and the number of segments of their paths."""
        for endpoint in contract.endpoints:
            self._endpoints.setdefault((endpoint.verb, len(endpoint.parts)), []).append(endpoint)

    def method(self, name: str) -> Method:
        """Raises NOT_FOUND."""
        method = self._methods.get(name)
        if method is None:
            raise not_found(f"no method {name!r}")
        return method

    def match(self, request: HttpRequest) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint and its path's parameters. Raises NOT_FOUND and METHOD_NOT_ALLOWED."""
        segments = request.segments
        verb = "GET" if request.method == "HEAD" else request.method
        for row in self._endpoints.get((verb, len(segments)), ()):
            found = row.match(segments)
            if found is not None:
                return row, found
        others = [row.verb for row in self._contract.endpoints if row.match(segments) is not None]
        raise method_not_allowed(others) if others else not_found("no such path")

    def dump(self, endpoint: Endpoint, result: Any) -> str:
        """The endpoint's result as JSON text."""
        if isinstance(result, JsonText):
            return result
        return self._results[endpoint.verb, endpoint.path].dump_json(result, by_alias=False).decode()
