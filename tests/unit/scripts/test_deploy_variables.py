"""scripts.deploy.variables: where each environment is, and that none but production has anything of production's."""

import re

import pytest

from scripts.deploy.table import CLICKHOUSE, ENVIRONMENTS, ORDER
from scripts.deploy.variables import clickhouse, is_productions, public_address, variables
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT, SERVICES
from tests.unit.scripts.account import Account

PRODUCTION, STAGING = ENVIRONMENTS["production"], ENVIRONMENTS["staging"]
CONFIGURED = {service.name: read_configuration(service.configuration)["vars"] for service in SERVICES}
PRODUCTIONS = {name: CONFIGURED["db"][name] for name in CLICKHOUSE}
OWN = {"CLICKHOUSE_URL": "https://own.example:8443", "CLICKHOUSE_DATABASE": "default", "CLICKHOUSE_USERNAME": "default"}
NONE = dict.fromkeys(CLICKHOUSE, "")


@pytest.fixture(autouse=True)
def told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPATCH_URL", *CLICKHOUSE):
        monkeypatch.delenv(name, raising=False)


def test_production_is_where_the_table_says() -> None:
    assert variables("auth", PRODUCTION, Account()) == {
        "ENVIRONMENT": "production",
        "PUBLIC_URL": "https://apis.do/auth",
        "REDIRECT_ALLOWLIST": "https://admin.do",
    }
    assert variables("gateway", PRODUCTION, Account()) == {
        "ENVIRONMENT": "production",
        "LOGIN_URL": "https://apis.do/auth/login",
        "CORS_ORIGINS": "https://apis.do https://*.apis.do https://api.services.do https://*.api.mw https://admin.do",
    }
    assert variables("schedule", PRODUCTION, Account()) == {"ENVIRONMENT": "production"}
    assert variables("db", PRODUCTION, Account()) == {}, "its ClickHouse is in db/wrangler.jsonc"


def test_no_other_says_where_production_is() -> None:
    """Whoever deploys by another way points nowhere, rather than at somebody else's domains."""
    text = "".join(service.configuration.read_text() for service in SERVICES if service.name in ("auth", "gateway"))
    assert [
        (name, row[name])
        for row in CONFIGURED.values()
        for name in ("PUBLIC_URL", "LOGIN_URL", "CORS_ORIGINS", "REDIRECT_ALLOWLIST")
        if row.get(name)
    ] == []
    assert text.count("scripts/deploy/table.py") == 2


@pytest.mark.parametrize("name", sorted(ENVIRONMENTS.keys() - {"production"}))
@pytest.mark.parametrize("service", ORDER)
def test_no_other_environment_has_anything_of_productions(service: str, name: str) -> None:
    own = CONFIGURED.get(service, {}) | variables(service, ENVIRONMENTS[name], Account())
    routes = read_configuration(ROOT / "scripts" / "dispatch" / "wrangler.jsonc")["env"]["production"]["routes"]
    domains = {*(route["zone_name"] for route in routes), "admin.do", "clickhouse.cloud"}
    assert [value for value in own.values() if any(domain in value for domain in domains)] == []
    assert own.get("ENVIRONMENT", name) == name


def test_an_environment_without_an_address_is_on_workers_dev(monkeypatch: pytest.MonkeyPatch) -> None:
    assert public_address(STAGING, Account()) == "https://dispatch-staging.acme.workers.dev"
    assert variables("auth", STAGING, Account())["PUBLIC_URL"] == "https://dispatch-staging.acme.workers.dev/auth"
    assert variables("gateway", STAGING, Account())["CORS_ORIGINS"] == "https://dispatch-staging.acme.workers.dev"
    assert variables("auth", STAGING, Account())["REDIRECT_ALLOWLIST"] == ""
    monkeypatch.setenv("DISPATCH_URL", "https://staging.example/")
    assert public_address(STAGING, Account()) == "https://staging.example"
    assert public_address(PRODUCTION, Account()) == "https://apis.do", "which is fixed"


def test_a_clickhouse_is_told_in_the_file_or_around_the_command_or_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Account(texts={"CLICKHOUSE_URL": "https://there.example", "CLICKHOUSE_DATABASE": "d", "OTHER": "x"})
    assert clickhouse(STAGING, there) == {
        "CLICKHOUSE_URL": "https://there.example", "CLICKHOUSE_DATABASE": "d", "CLICKHOUSE_USERNAME": "default",
    }  # fmt: skip
    monkeypatch.setenv("CLICKHOUSE_DATABASE", "of nothing, since no address comes with it")
    assert clickhouse(STAGING, there) == clickhouse(STAGING, there, {"CLICKHOUSE_USERNAME": "of nothing"})
    monkeypatch.delenv("CLICKHOUSE_DATABASE")
    monkeypatch.setenv("CLICKHOUSE_URL", OWN["CLICKHOUSE_URL"])
    assert clickhouse(STAGING, there) == OWN
    assert clickhouse(STAGING, there, {"CLICKHOUSE_URL": ""}) == NONE
    assert variables("db", STAGING, there) == OWN
    assert variables("db", PRODUCTION, there) == {}


def test_without_a_clickhouse_there_is_none() -> None:
    assert clickhouse(STAGING, Account()) is None
    assert variables("db", STAGING, Account()) == NONE


@pytest.mark.parametrize(
    ("change", "productions"),
    [
        ({}, True),
        ({"CLICKHOUSE_URL": PRODUCTIONS["CLICKHOUSE_URL"].upper().replace("HTTPS", "https") + "/"}, True),
        ({"CLICKHOUSE_URL": re.sub(r":\d+$", "", PRODUCTIONS["CLICKHOUSE_URL"])}, True),
        ({"CLICKHOUSE_USERNAME": "another"}, True),
        ({"CLICKHOUSE_DATABASE": "staging"}, False),
        ({"CLICKHOUSE_URL": "https://own.example:8443"}, False),
        ({"CLICKHOUSE_URL": ""}, False),
    ],
)
def test_which_clickhouse_is_productions(change: dict[str, str], productions: bool) -> None:
    assert is_productions(PRODUCTIONS | change) is productions
