"""The contract tables of the services: every row has its function, with the parameters the row names."""

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.handlers import http as auth_http
from auth.handlers import rpc as auth_rpc
from db.handlers import http as db_http
from db.handlers import rpc as db_rpc
from dotdo.contract import Contract, Endpoint, RpcMethod
from dotdo.contracts import auth, db, schedule
from dotdo.contracts.common import service_card
from schedule.handlers import http as schedule_http
from schedule.handlers import rpc as schedule_rpc

SERVICES: dict[str, tuple[Contract, type, type]] = {
    "auth": (auth.CONTRACT, auth_rpc.RpcHandlers, auth_http.HttpHandlers),
    "db": (db.CONTRACT, db_rpc.RpcHandlers, db_http.HttpHandlers),
    "schedule": (schedule.CONTRACT, schedule_rpc.RpcHandlers, schedule_http.HttpHandlers),
}
METHODS = [(row, rpc) for contract, rpc, _ in SERVICES.values() for row in contract.methods]
ENDPOINTS = [(row, http) for contract, _, http in SERVICES.values() for row in contract.endpoints]


def keywords(function: Any) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


@pytest.mark.parametrize(("row", "handlers"), METHODS, ids=[f"{rpc.__module__}:{row.name}" for row, rpc in METHODS])
def test_a_method_has_its_function(row: RpcMethod, handlers: type) -> None:
    assert keywords(getattr(handlers, row.handler)) == list(row.params)


@pytest.mark.parametrize(
    ("row", "handlers"), ENDPOINTS, ids=[f"{http.__module__}:{row.verb} {row.path}" for row, http in ENDPOINTS]
)
def test_an_endpoint_has_its_function(row: Endpoint, handlers: type) -> None:
    named = [part[1:-1] for part in row.parts if part.startswith("{")]
    named += [name for name in ("query", "body") if getattr(row, name) is not None]
    assert keywords(getattr(handlers, row.handler)) == named


@pytest.mark.parametrize("service", SERVICES)
def test_names_are_unique_and_functions_are_all_used(service: str) -> None:
    contract, rpc, http = SERVICES[service]
    assert contract.service == service
    assert len({row.name for row in contract.methods}) == len(contract.methods)
    assert len({(row.verb, row.path) for row in contract.endpoints}) == len(contract.endpoints)
    for handlers, rows in ((rpc, contract.methods), (http, contract.endpoints)):
        public = {name for name, _ in inspect.getmembers(handlers, inspect.isfunction) if name[0] != "_"}
        assert public == {row.handler for row in rows}


@pytest.mark.parametrize("service", SERVICES)
def test_only_card_and_health_and_signing_in_are_public(service: str) -> None:
    """Of auth also what WorkOS itself calls, which signs, and signing out, which ends no session but one's own."""
    contract, _, _ = SERVICES[service]
    public = {row.path for row in contract.endpoints if row.access == "public"}
    signing_in = {"/login", "/callback", "/sso/authorize", "/sso/callback", "/refresh", "/logout"}
    assert public - signing_in - {"/.well-known/jwks.json", "/webhooks/workos"} == {"/", "/health"}
    assert all(row.permission == "" for row in contract.endpoints if row.access == "public")


@pytest.mark.parametrize("service", SERVICES)
def test_the_card_lists_every_endpoint(service: str) -> None:
    contract, _, _ = SERVICES[service]
    assert service_card(contract).endpoints == [f"{row.verb} {row.path}" for row in contract.endpoints]


def row(path: str) -> Endpoint:
    return Endpoint("GET", path, "handler", "")


@pytest.mark.parametrize(
    ("path", "segments", "found"),
    [
        ("/", [], {}),
        ("/", ["things"], None),
        ("/things", ["things"], {}),
        ("/things", ["Things"], None),
        ("/things", ["things", "a"], None),
        ("/things/{ns}/{id}", ["things", "a"], None),
        ("/things/{ns}/{id}", ["things", "a/b", "{id}"], {"ns": "a/b", "id": "{id}"}),
        ("/things/{ns}/graph", ["things", "graph", "graph"], {"ns": "graph"}),
        ("/things/{ns}/graph", ["things", "a", "edges"], None),
    ],
)
def test_a_template_fits_whole_segments(path: str, segments: list[str], found: dict[str, str] | None) -> None:
    assert row(path).match(segments) == found


@given(st.lists(st.text(), max_size=4))
def test_a_path_of_parameters_takes_every_segment_as_it_is(segments: list[str]) -> None:
    names = [f"p{index}" for index in range(len(segments))]
    template = row("/" + "/".join(f"{{{name}}}" for name in names))
    assert template.match(segments) == dict(zip(names, segments, strict=True))


@pytest.mark.parametrize(
    ("name", "handler"),
    [
        ("get", "get"),
        ("createApiKey", "create_api_key"),
        ("getEntitiesWithoutEmbeddings", "get_entities_without_embeddings"),
    ],
)
def test_a_camel_case_name_has_a_snake_case_function(name: str, handler: str) -> None:
    assert RpcMethod(name, "").handler == handler
