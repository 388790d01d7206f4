"""What a wrangler.jsonc must say, and how a file of secrets is read."""

import ast
import re
from collections.abc import Callable
from typing import Any

import pytest

from scripts.deploy.checks import Plan, disagreements, peers, separation
from scripts.deploy.secrets_file import parse
from scripts.deploy.table import CLICKHOUSE, ENVIRONMENTS, ORDER, PLATFORM, REQUIRED_SECRETS, required_secrets
from scripts.deploy.tools import found_by_dispatch
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT, SERVICES
from tests.unit.scripts.account import Account

STAGING = ENVIRONMENTS["staging"]
BY_NAME = {service.name: service for service in SERVICES}
Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("name", BY_NAME)
def test_the_files_as_they_are_agree(name: str) -> None:
    assert list(disagreements(BY_NAME[name], read_configuration(BY_NAME[name].configuration))) == []


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("db", lambda file: file.update(name="do-db"), "the name is 'do-db'"),
        ("db", lambda file: file.update(compatibility_date="2025-07-08"), "a compatibility date from 2026-09-08 on"),
        ("db", lambda file: file.update(compatibility_flags=[]), "the flag python_workers"),
        ("db", lambda file: file.update(workers_dev=True), "workers_dev must be false"),
        ("auth", lambda file: file.update(services=[]), "the binding DB (services) is missing"),
        ("auth", lambda file: file["kv_namespaces"].pop(), "the binding SESSIONS_KV (kv_namespaces) is missing"),
        ("auth", lambda file: file["services"][0].update(service="do-db"), "names the Worker 'do-db', not 'db'"),
        ("schedule", lambda file: file.pop("r2_buckets"), "the binding BACKUPS (r2_buckets) is missing"),
        ("schedule", lambda file: file.pop("ai"), "the binding AI (ai) is missing"),
        ("schedule", lambda file: file.pop("triggers"), "the crons are not"),
        ("gateway", lambda file: file["kv_namespaces"].clear(), "the binding GATEWAY_KV (kv_namespaces) is missing"),
    ],
)  # fmt: skip
def test_what_disagrees_is_named(name: str, change: Change, said: str) -> None:
    found = read_configuration(BY_NAME[name].configuration)
    change(found)
    assert any(said in wrong for wrong in disagreements(BY_NAME[name], found))


OPTIONAL = [("CODE_EXEC", "code-exec"), ("APP", "admin"), ("QUEUE", "jobs"), ("FN", "fn")]


@pytest.mark.parametrize(("binding", "worker"), OPTIONAL)
def test_a_worker_that_is_not_of_the_platform_may_be_called_anything(binding: str, worker: str) -> None:
    found = read_configuration(BY_NAME["gateway"].configuration)
    found["services"].append({"binding": binding, "service": worker})
    assert list(disagreements(BY_NAME["gateway"], found)) == []


def test_without_service_bindings_to_the_platform_those_to_others_stay() -> None:
    found = read_configuration(BY_NAME["gateway"].configuration)
    others = [{"binding": binding, "service": worker} for binding, worker in OPTIONAL]
    found["services"] += others
    changed = found_by_dispatch(found, STAGING)
    assert changed["services"] == others
    assert changed["dispatch_namespaces"] == [{"binding": "DISPATCH", "namespace": "dotdo-staging"}]
    same = found.keys() - {"$schema", "services"}
    assert {name: changed[name] for name in same} == {name: found[name] for name in same}


def test_the_platform_is_what_a_worker_looks_for_in_its_namespace() -> None:
    runtime = (ROOT / "shared" / "src" / "dotdo" / "runtime" / "bindings.py").read_text()
    (said,) = re.findall(r"^PLATFORM = frozenset\((\{.*\})\)$", runtime, re.MULTILINE)
    assert ast.literal_eval(said) == PLATFORM


@pytest.mark.parametrize(
    ("services", "there", "refused"),
    [
        (["gateway"], ["auth", "db", "pipeline"], "auth, db"),
        (["auth"], ["auth", "db"], "db"),
        (["auth"], ["auth", "gateway"], ""),
        (["db", "dispatch"], ["db", "auth", "schedule", "gateway"], ""),
        (ORDER, ["schedule"], "schedule"),
        (ORDER, [], ""),
    ],
)
def test_service_bindings_to_workers_of_the_account_are_refused(
    services: list[str], there: list[str], refused: str
) -> None:
    problems = list(peers(Plan(services, STAGING), Account(*there)))
    assert [problem.what for problem in problems] == [
        f"the account itself has Workers called {refused}: every environment's service bindings would mean those"
    ] * bool(refused)
    assert all("all staging --peers dispatch" in problem.remedy for problem in problems)
    assert list(peers(Plan(services, STAGING, peers="dispatch"), Account(*there))) == []


PRODUCTIONS = read_configuration(BY_NAME["db"].configuration)["vars"]


@pytest.mark.parametrize(
    ("told", "deployed", "given", "said"),
    [
        ({}, {}, (), ""),
        ({}, {}, ("CLICKHOUSE_PASSWORD",), "CLICKHOUSE_PASSWORD is given, but CLICKHOUSE_URL is not"),
        ({"CLICKHOUSE_URL": ""}, {}, ("CLICKHOUSE_PASSWORD",), ""),
        ({"CLICKHOUSE_URL": "https://own.example"}, PRODUCTIONS, ("CLICKHOUSE_PASSWORD",), ""),
        ({}, {"CLICKHOUSE_URL": "https://own.example"}, ("CLICKHOUSE_PASSWORD",), ""),
        ({}, PRODUCTIONS, (), "staging would write into production's ClickHouse (CLICKHOUSE_URL, database default)"),
        (PRODUCTIONS, {}, (), "staging would write into production's ClickHouse (CLICKHOUSE_URL, database default)"),
        ({**PRODUCTIONS, "CLICKHOUSE_DATABASE": "staging"}, {}, (), ""),
    ],
)
def test_an_environment_has_a_clickhouse_of_its_own_or_none(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], deployed: dict[str, str], given: tuple[str, ...], said: str
) -> None:
    for name in ("DISPATCH_URL", *CLICKHOUSE):
        monkeypatch.delenv(name, raising=False)
    account = Account(texts=deployed)
    problems = list(separation(Plan(ORDER, STAGING, frozenset(given), told), account))
    assert [problem.what for problem in problems] == [said] * bool(said)
    assert all("Set CLICKHOUSE_URL to that of staging's own" in problem.remedy for problem in problems)
    assert list(separation(Plan(["auth", "gateway"], STAGING, frozenset(given), told), account)) == [], (
        "db alone has one"
    )
    assert list(separation(Plan(ORDER, ENVIRONMENTS["production"], frozenset(given), told), account)) == []


@pytest.mark.parametrize("address", ["https://apis.do", "https://apis.do/"])
def test_no_environment_calls_productions_address_its_own(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DISPATCH_URL", address)
    (problem,) = separation(Plan(["auth"], STAGING), Account())
    assert problem.what == "staging would call production's address https://apis.do its own"
    assert list(separation(Plan(["auth"], ENVIRONMENTS["production"]), Account())) == []


@pytest.mark.parametrize("name", BY_NAME)
def test_every_secret_is_named_where_the_worker_is_configured(name: str) -> None:
    text = BY_NAME[name].configuration.read_text()
    assert all(secret in text for secret in REQUIRED_SECRETS[name])


@pytest.mark.parametrize("name", BY_NAME)
def test_every_secret_that_is_required_is_read(name: str) -> None:
    sources = [*BY_NAME[name].source.rglob("*.py"), *(ROOT / "shared" / "src").rglob("*.py")]
    text = "".join(file.read_text() for file in sources).replace("'", '"')
    assert [secret for secret in REQUIRED_SECRETS[name] if f'"{secret}"' not in text] == []


def test_a_password_is_required_only_for_what_is_there() -> None:
    with_clickhouse = {"CLICKHOUSE_URL": "https://clickhouse.example:8443"}
    assert required_secrets("db", with_clickhouse) == REQUIRED_SECRETS["db"]
    assert required_secrets("db", {}) == ("DATABASE_URL", "INTERNAL_SECRET")


def test_a_file_of_secrets() -> None:
    text = "# comment\n\n A = 1 \nB='x y'\nC=\"a=b\"\nD=\nE='\n"
    assert parse(text) == {"A": "1", "B": "x y", "C": "a=b", "D": "", "E": "'"}


@pytest.mark.parametrize("text", ["A", "A B=1", "=1", "1A=x", "export A=secret"])
def test_a_line_that_is_none_is_named_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="line 2 is not NAME=value") as error:
        parse(f"X=1\n{text}")
    assert "secret" not in str(error.value)
