"""Models that every service's contract shares."""

from typing import Literal

from dotdo.contract import Contract
from dotdo.model import Model


class ServiceCard(Model):
    """What `GET /` answers: a service's name, version and endpoints."""

    service: str
    version: str
    endpoints: list[str]


class Health(Model):
    """`degraded`: something the service depends on does not answer."""

    status: Literal["ok", "degraded"]
    service: str
    timestamp: str


def service_card(contract: Contract) -> ServiceCard:
    """The card of the service whose contract this is."""
    endpoints = [f"{endpoint.verb} {endpoint.path}" for endpoint in contract.endpoints]
    return ServiceCard(service=contract.service, version=contract.version, endpoints=endpoints)
