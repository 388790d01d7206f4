"""The gateway's own methods and endpoints. Everything else it passes on; the tables of the services say what is there."""

from typing import Any, Literal

from pydantic import Field

from dotdo.contract import Contract, Endpoint, RpcMethod
from dotdo.contracts.common import Health
from dotdo.model import Model


class GatewayCard(Model):
    """`links`: the gateway's own pages, and the path each service is under."""

    service: str
    version: str
    links: dict[str, str]


class Readiness(Health):
    """`services`: how each Worker does that is bound to the gateway."""

    services: dict[str, Literal["ok", "degraded", "down"]] = Field(description="by service name")


class RouteInit(Model):
    """As of a Fetch request. The caller's credential is in the headers; without one the call is nobody's."""

    method: str | None = None
    headers: dict[str, str] | None = None
    body: str | None = None


class RouteAnswer(Model):
    """`body` is the parsed JSON of a JSON body, else text."""

    status: int
    headers: dict[str, str]
    body: Any


METHODS = (
    RpcMethod("route", "The same as a request from outside. `url` may be a path alone.",
              {"url": (str, ...), "init": (RouteInit | None, None)}, RouteAnswer),
    RpcMethod("health", "Whether the gateway itself answers.", {}, Health),
)  # fmt: skip

ENDPOINTS = (
    Endpoint("GET", "/", "card", "What is here, and where.", access="public", result=GatewayCard),
    Endpoint("GET", "/health", "health", "Whether the gateway itself answers.", access="public", result=Health),
    Endpoint("GET", "/ready", "ready", "Whether everything behind it answers; 503 when something does not.",
             access="public", result=Readiness, also=(503,), problems=(429,)),
    Endpoint("GET", "/openapi.json", "openapi", "This document.",
             access="public", result=dict[str, Any], also=(304,), headers=("If-None-Match",)),
    Endpoint("GET", "/docs", "docs", "This document as a page to read and to try.",
             access="public", result=str, also=(304,), headers=("If-None-Match",), media="text/html"),
)  # fmt: skip

CONTRACT = Contract("gateway", "0.1.0", METHODS, ENDPOINTS)
