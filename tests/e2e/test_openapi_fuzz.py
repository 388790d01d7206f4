"""What the OpenAPI document says, and nothing else: schemathesis sends what fits the schemas and what does not."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from scripts.contracts.__main__ import OPENAPI
from tests.e2e.platform import Platform

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, unsupported_method, allow_header_conformance,
]  # fmt: skip
EXAMPLES = 8

KEPT = ("users", "api_keys", "permissions", "scheduled_tasks", "offered_defaults")
"""What an administrator can change by a lucky guess, and other tests rely on.

The last two belong together: default tasks that were offered are not offered again.
"""

schema = schemathesis.openapi.from_path(OPENAPI)


@pytest.fixture(scope="module")
def platform_as_it_was(platform: Platform) -> Iterator[Platform]:
    """Afterwards the accounts and tasks are what they were before."""
    with psycopg.connect(platform.postgres_url, autocommit=True) as connection:
        connection.execute("create schema kept")
        for table in KEPT:
            connection.execute(f"create table kept.{table} as table public.{table}")
        yield platform
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")  # no cascades
            for table in KEPT:
                connection.execute(f"delete from public.{table}")
                connection.execute(f"insert into public.{table} select * from kept.{table}")
        connection.execute("drop schema kept cascade")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
def test_an_operation_does_as_documented(platform_as_it_was: Platform, case: schemathesis.Case[Any]) -> None:
    key = {"authorization": f"Bearer {platform_as_it_was.keys['admin']}"}
    response = case.call(base_url=platform_as_it_was.gateway_url, headers=key, allow_redirects=False)
    case.validate_response(response, checks=CHECKS)
