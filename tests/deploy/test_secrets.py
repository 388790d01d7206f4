"""Secrets are stored one Worker at a time, and never shown."""

import re
from pathlib import Path

import pytest

from scripts.deploy.steps import CHECKS, DONE, INTERRUPTED, USAGE
from scripts.deploy.table import REQUIRED_SECRETS
from tests.deploy.cloudflare_api import CloudflareApi, Upload
from tests.deploy.conftest import NAMESPACE, Run


def test_secrets_are_stored_and_never_shown(api: CloudflareApi, run: Run, secrets: str) -> None:
    result = run("secrets.sh", "db", "staging", "--file", secrets)
    assert result.returncode == CHECKS
    assert "db is not deployed in staging" in result.stdout
    assert "scripts/deploy-to-namespace.sh db staging --secrets FILE" in result.stdout
    unasked, shown = run.typed("", "secrets.sh", "db", "staging")
    assert (unasked, "DATABASE_URL" in shown) == (CHECKS, False), "nobody types secrets that cannot be stored"
    api.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    result = run("secrets.sh", "db", "staging", "--file", secrets)
    assert result.returncode == DONE, result.stdout + result.stderr
    assert api.state.secrets[NAMESPACE, "db"] == {name: f"value of {name}" for name in REQUIRED_SECRETS["db"]}
    assert re.search(r"Ignored: .*JWT_SECRET.* \(not a secret of db\)", result.stdout)
    assert "value of" not in result.stdout + result.stderr


def test_secrets_are_asked_for_and_never_shown(api: CloudflareApi, run: Run) -> None:
    api.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    code, shown = run.typed("typed-url\n\ntyped-secret\n", "secrets.sh", "db", "staging")
    assert code == DONE, shown
    assert api.state.secrets[NAMESPACE, "db"] == {"DATABASE_URL": "typed-url", "INTERNAL_SECRET": "typed-secret"}
    assert "CLICKHOUSE_PASSWORD" in shown
    assert "typed" not in shown
    code, shown = run.typed("\x03\n", "secrets.sh", "db", "staging")
    assert (code, "Nothing was stored." in shown) == (INTERRUPTED, True)
    unattended = run("secrets.sh", "db", "staging")
    assert (unattended.returncode, "pass --file" in unattended.stdout) == (USAGE, True)


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["dispatch", "staging"], "", "dispatch has no secrets of its own"),
        (["all", "staging"], "", "Secrets are set one Worker at a time: db, auth, schedule or gateway."),
        (["db", "staging"], "DATABASE_URL", "line 1 is not NAME=value"),
        (["db", "staging"], "OTHER=1", "None of DATABASE_URL"),
    ],
)
def test_wrong_secrets_store_nothing(
    api: CloudflareApi, run: Run, tmp_path: Path, arguments: list[str], text: str, said: str
) -> None:
    file = tmp_path / "wrong.env"
    file.write_text(text)
    result = run("secrets.sh", *arguments, "--file", str(file))
    assert result.returncode == USAGE
    assert said in result.stdout
    assert api.state.requests == []
