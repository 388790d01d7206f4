"""Deploying with the real pywrangler and wrangler against the fake API: what arrives, in which order, and whether it works."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.deploy.steps import DONE, VERIFY
from scripts.deploy.table import ENVIRONMENTS, ORDER, REQUIRED_SECRETS
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT, SERVICES
from tests.deploy.cloudflare_api import CloudflareApi, Upload
from tests.deploy.conftest import CLICKHOUSE, NAMESPACE, Answers, Run
from tests.deploy.uploads import DEPLOY, all_there, names, targets

# Name, type and target of every binding of an upload, variables apart.
BINDINGS = {
    "db": set[tuple[str, str, str]](),
    "auth": {
        ("DB", "service", "db"),
        ("RATE_LIMIT_KV", "kv_namespace", "15adb090b53f43ae862a07a260bd4534"),
        ("SESSIONS_KV", "kv_namespace", "482dfcdea486493fbe1d548fa29a21e7"),
    },
    "schedule": {
        ("DB", "service", "db"),
        ("AUTH", "service", "auth"),
        ("BACKUPS", "r2_bucket", "dotdo-backups"),
        ("AI", "ai", ""),
    },
    "gateway": {
        ("DB", "service", "db"),
        ("AUTH", "service", "auth"),
        ("SCHEDULE", "service", "schedule"),
        ("GATEWAY_KV", "kv_namespace", "48289a56146d470f97ca98401f30c7d7"),
    },
}

# Placement, who gets the logs of it, whether Cloudflare keeps them, and an invocation's limits where they are not the default.
SETTINGS = {
    "db": ("smart", ["pipeline"], True, None), "auth": (None, ["logger"], True, None),
    "schedule": (None, [], True, {"cpu_ms": 300_000}), "gateway": ("smart", [], True, None),
}  # fmt: skip
VARIABLES = {
    "db": {"CLICKHOUSE_URL", "CLICKHOUSE_DATABASE", "CLICKHOUSE_USERNAME"},
    "auth": {"ENVIRONMENT", "WORKOS_API_URL", "REDIRECT_ALLOWLIST", "ROLE_MAP"},
    "schedule": {"ENVIRONMENT"},
    "gateway": {"ENVIRONMENT", "CORS_ORIGINS"},
}


def _settings(upload: Upload) -> tuple[str | None, list[str], bool, dict[str, int] | None]:
    metadata = upload.metadata
    consumers = [row["service"] for row in metadata.get("tail_consumers") or []]
    placement, limits = metadata.get("placement", {}).get("mode"), metadata.get("limits")
    return placement, consumers, metadata["observability"]["enabled"], limits


def _texts(upload: Upload) -> dict[str, str]:
    return {row["name"]: row["text"] for row in upload.metadata["bindings"] if row["type"] == "plain_text"}


def test_all_arrive_whole_and_in_the_order_of_their_bindings(
    api: CloudflareApi, run: Run, dispatcher: Answers, secrets: str
) -> None:
    result = run(DEPLOY, "all", "staging", "--secrets", secrets)
    assert result.returncode == DONE, result.stdout + result.stderr
    assert names(api) == ["db", "auth", "schedule", "gateway", "dispatch-staging"]
    for upload in api.state.uploads[:4]:
        assert upload.where == NAMESPACE
        assert upload.metadata["main_module"] == "entry.py"
        assert upload.metadata["compatibility_date"] >= "2026-09-08"
        assert upload.metadata["compatibility_flags"] == ["python_workers"]
        assert targets(upload) == BINDINGS[upload.name]
        assert upload.secrets == set(REQUIRED_SECRETS[upload.name])  # its own, and no other Worker's
        assert upload.modules["entry.py"] == "text/x-python"
        own = {name for name in upload.modules if name.startswith(f"{upload.name}/")}
        source = ROOT / upload.name / "src"
        written = {file for kind in ("py", "json", "html") for file in source.glob(f"{upload.name}/**/*.{kind}")}
        assert own == {file.relative_to(source).as_posix() for file in written}
        assert "python_modules/dotdo/service.py" in upload.modules
        assert not any("/tests/" in name or name.endswith(".pyc") for name in upload.modules)
    assert {upload.name: _settings(upload) for upload in api.state.uploads[:4]} == SETTINGS
    assert "ENVIRONMENT" not in api.state.uploads[0].bindings, "nothing in db reads it"
    assert all(upload.bindings["ENVIRONMENT"]["text"] == "staging" for upload in api.state.uploads[1:4])
    db, auth, _, gateway, _ = map(_texts, api.state.uploads)
    assert (db["CLICKHOUSE_URL"], db["CLICKHOUSE_DATABASE"]) == (CLICKHOUSE, "default"), "its own, not production's"
    assert (auth["PUBLIC_URL"], auth["REDIRECT_ALLOWLIST"]) == (f"{dispatcher.url}/auth", "")
    assert (gateway["LOGIN_URL"], gateway["CORS_ORIGINS"]) == (f"{dispatcher.url}/auth/login", dispatcher.url)
    variables = {upload.name: _texts(upload) for upload in api.state.uploads[:4]}
    assert all(names <= variables[name].keys() for name, names in VARIABLES.items()), variables
    dispatch = api.state.uploads[-1]
    assert dispatch.where == ""
    assert dispatch.bindings["NAMESPACE"]["namespace"] == NAMESPACE
    assert api.state.crons == {"dispatch-staging": ["*/5 * * * *", "0 * * * *", "0 0 * * *"]}
    assert not re.search("value of", result.stdout + result.stderr)


def test_production_is_where_the_table_says_it_is(api: CloudflareApi, run: Run, secrets: str) -> None:
    result = run(DEPLOY, "all", "production", "--secrets", secrets, "--yes", "--allow-dirty")
    assert result.returncode == DONE, result.stdout + result.stderr
    assert re.search(r"Ignored: CLICKHOUSE_URL \(not a secret of", result.stdout), (
        "production's is in db/wrangler.jsonc"
    )
    db, auth, _, gateway, _ = map(_texts, api.state.uploads)
    vars = {service.name: read_configuration(service.configuration)["vars"] for service in SERVICES}
    assert db == vars["db"]
    assert auth == vars["auth"] | {"PUBLIC_URL": "https://apis.do/auth", "REDIRECT_ALLOWLIST": "https://admin.do"}
    assert gateway["LOGIN_URL"] == "https://apis.do/auth/login"
    assert gateway["CORS_ORIGINS"].split()[:2] == ["https://apis.do", "https://*.apis.do"]
    written = read_configuration(ROOT / "scripts" / "dispatch" / "wrangler.jsonc")["env"]["production"]["routes"]
    assert sorted(api.state.routes) == sorted(row["pattern"] for row in written)


def test_an_environment_keeps_its_clickhouse_until_told(deployed: CloudflareApi, run: Run) -> None:
    deployed.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})

    def deploy(*arguments: str, **told: str) -> str:
        result = run(DEPLOY, "db", "staging", *arguments, **told)
        assert result.returncode == DONE, result.stdout + result.stderr
        return _texts(deployed.state.uploads[-1])["CLICKHOUSE_URL"]

    assert deploy() == "", "none, rather than production's"
    assert deploy(CLICKHOUSE_URL=CLICKHOUSE) == CLICKHOUSE
    assert deploy("--peers", "dispatch") == CLICKHOUSE
    assert run("rollback.sh", "db", "staging").returncode == DONE
    assert _texts(deployed.state.uploads[-1])["CLICKHOUSE_URL"] == CLICKHOUSE
    assert deploy(CLICKHOUSE_URL="") == ""


@pytest.mark.parametrize("service", ORDER[:4])
def test_one_service_is_deployed_alone(deployed: CloudflareApi, run: Run, service: str) -> None:
    for name in ORDER[: ORDER.index(service)]:
        deployed.state.scripts[NAMESPACE, name] = Upload(NAMESPACE, name, {}, {})
    deployed.state.scripts[NAMESPACE, service] = Upload(NAMESPACE, service, {}, {})
    result = run(DEPLOY, service, "staging")
    assert result.returncode == DONE, result.stdout + result.stderr
    assert names(deployed) == [service]
    assert f"{service}: deployed and verified in staging" in result.stdout


def test_one_service_of_a_complete_environment_is_asked_for_its_health(
    deployed: CloudflareApi, run: Run, dispatcher: Answers
) -> None:
    all_there(deployed)
    dispatcher.table["/ready"] = (503, {"services": {"db": "down", "auth": "ok", "schedule": "ok"}})
    result = run(DEPLOY, "db", "staging")
    assert result.returncode == VERIFY, result.stdout + result.stderr
    assert "there: auth, db, gateway, schedule, dispatch-staging" in result.stdout
    assert "db is down" in result.stdout
    assert "To go back: scripts/rollback.sh db staging" in result.stdout


def test_what_is_no_secret_of_a_worker_is_named_and_left_out(api: CloudflareApi, run: Run, secrets: str) -> None:
    Path(secrets).write_text(Path(secrets).read_text() + "JWT_SERCET=x\n")
    result = run(DEPLOY, "db", "staging", "--dry-run", "--secrets", secrets)
    assert result.returncode == DONE, result.stdout + result.stderr
    assert re.search(r"Ignored: .*JWT_SERCET.* \(not a secret of db\)", result.stdout)


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/health", (500, {}), "/health answers 500"),
        ("/ready", (503, {"services": {"db": "ok", "auth": "down", "schedule": "ok"}}), "auth is down"),
        ("/ready", (200, {"services": {"db": "ok", "auth": "ok"}}), "schedule is not bound"),
        ("/ready", (200, ["surprise"]), "answers no readiness report"),
    ],
)
def test_what_is_deployed_and_does_not_work_is_an_error(
    deployed: CloudflareApi, run: Run, dispatcher: Answers, path: str, answer: tuple[int, object], said: str
) -> None:
    all_there(deployed)
    assert run("verify.sh", "staging").returncode == DONE
    dispatcher.table[path] = answer
    result = run("verify.sh", "staging")
    assert result.returncode == VERIFY
    assert said in result.stdout


def test_a_missing_script_fails_the_verification(deployed: CloudflareApi, run: Run) -> None:
    result = run("verify.sh", "staging")
    assert result.returncode == VERIFY
    assert all(f"{name} is not deployed in staging" in result.stdout for name in ORDER)


def test_the_environments_are_the_documented_ones() -> None:
    assert {name: row.namespace for name, row in ENVIRONMENTS.items()} == {
        "production": "dotdo-production", "staging": "dotdo-staging", "development": "dotdo-development",
    }  # fmt: skip


def test_make_size_counts_our_code_and_the_packages_apart() -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    result = subprocess.run([make, "-C", str(ROOT), "size"], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert all(name in result.stdout for name in ORDER)
