"""db/README.md names everything that db offers, and everything it asks for."""

import re

import pytest

from dotdo.contract import Endpoint
from dotdo.contracts.db import CONTRACT
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT, SERVICES

README = (ROOT / "db" / "README.md").read_text()
NAMED = set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL)))


@pytest.mark.parametrize("method", [method.name for method in CONTRACT.methods])
def test_every_method_is_named(method: str) -> None:
    assert method in NAMED


@pytest.mark.parametrize("endpoint", CONTRACT.endpoints, ids=lambda one: f"{one.verb} {one.path}")
def test_every_endpoint_is_named_with_its_permission(endpoint: Endpoint) -> None:
    (row,) = [
        line for line in README.splitlines() if line.startswith("|") and f"`{endpoint.verb} {endpoint.path}`" in line
    ]
    access = {"admin": "administrators", "public": "open"}.get(endpoint.access, f"`{endpoint.permission}`")
    assert access in row


def test_every_variable_is_named() -> None:
    db = next(service for service in SERVICES if service.name == "db")
    assert read_configuration(db.configuration)["vars"].keys() <= NAMED


def test_every_code_that_is_raised_is_named() -> None:
    sources = [*(ROOT / "db" / "src").rglob("*.py"), ROOT / "shared" / "src" / "dotdo" / "errors.py"]
    raised = {code for file in sources for code in re.findall(r'ServiceError\(\s*"([A-Z_]+)"', file.read_text())}
    assert len(raised) > 15
    listed = README.partition("## Errors")[2].partition("## Configuration")[0]
    elsewhere = {"INTERNAL", "METHOD_NOT_ALLOWED", "REQUEST_TIMEOUT"}  # any service's, and the gateway's
    assert {code for code in raised - elsewhere if f"`{code}`" not in listed} == set()
