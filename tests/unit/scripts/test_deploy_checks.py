"""What a wrangler.jsonc must say, and how a file of secrets is read."""

from collections.abc import Callable
from typing import Any

import pytest

from scripts.deploy.checks import disagreements
from scripts.deploy.secrets_file import parse
from scripts.deploy.table import REQUIRED_SECRETS, required_secrets
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT, SERVICES

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
        ("gateway", lambda file: file["services"].append({"binding": "FN", "service": "x"}), "names the Worker 'x', not 'fn'"),
    ],
)  # fmt: skip
def test_what_disagrees_is_named(name: str, change: Change, said: str) -> None:
    found = read_configuration(BY_NAME[name].configuration)
    change(found)
    assert any(said in wrong for wrong in disagreements(BY_NAME[name], found))


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
