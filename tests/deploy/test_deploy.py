"""Deploying with the real pywrangler and wrangler against the fake API: what arrives, in which order, what failures leave."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scripts.deploy.steps import CHECKS, DONE, INTERRUPTED, UPLOAD, USAGE, VERIFY
from scripts.deploy.table import ENVIRONMENTS, ORDER, REQUIRED_SECRETS
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import CloudflareApi, Fault, Hold, Upload
from tests.deploy.conftest import NAMESPACE, Answers, Run

DEPLOY = "deploy-to-namespace.sh"

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


def _variables(upload: Upload) -> set[str]:
    return {row["name"] for row in upload.metadata["bindings"] if row["type"] == "plain_text"}


@pytest.fixture
def secrets(tmp_path: Path) -> str:
    """A file with every secret of every Worker."""
    names = {name for required in REQUIRED_SECRETS.values() for name in required}
    file = tmp_path / "secrets.env"
    file.write_text("# all of them\n" + "".join(f"{name}='value of {name}'\n" for name in sorted(names)))
    return str(file)


def _all_there(api: CloudflareApi) -> None:
    """Every Worker is deployed already."""
    for name in ORDER:
        where = "" if name == "dispatch" else NAMESPACE
        script = "dispatch-staging" if name == "dispatch" else name
        api.state.scripts[where, script] = Upload(where, script, {}, {})


def _targets(upload: Upload) -> set[tuple[str, str, str]]:
    targets = set()
    for row in upload.metadata["bindings"]:
        if row["type"] not in ("plain_text", "secret_text"):
            target = (
                row.get("service") or row.get("namespace_id") or row.get("bucket_name") or row.get("namespace") or ""
            )
            targets.add((row["name"], row["type"], target))
    return targets


def _names(api: CloudflareApi) -> list[str]:
    return [upload.name for upload in api.state.uploads]


def test_all_arrive_whole_and_in_the_order_of_their_bindings(
    api: CloudflareApi, run: Run, dispatcher: Answers, secrets: str
) -> None:
    result = run(DEPLOY, "all", "staging", "--secrets", secrets)
    assert result.returncode == DONE, result.stdout + result.stderr
    assert _names(api) == ["db", "auth", "schedule", "gateway", "dispatch-staging"]
    for upload in api.state.uploads[:4]:
        assert upload.where == NAMESPACE
        assert upload.metadata["main_module"] == "entry.py"
        assert upload.metadata["compatibility_date"] >= "2026-09-08"
        assert upload.metadata["compatibility_flags"] == ["python_workers"]
        assert _targets(upload) == BINDINGS[upload.name]
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
    assert api.state.uploads[1].bindings["PUBLIC_URL"]["text"] == f"{dispatcher.url}/auth", "its own, not production's"
    assert api.state.uploads[3].bindings["LOGIN_URL"]["text"] == f"{dispatcher.url}/auth/login"
    variables = {upload.name: _variables(upload) for upload in api.state.uploads[:4]}
    assert all(names <= variables[name] for name, names in VARIABLES.items()), variables
    dispatch = api.state.uploads[-1]
    assert dispatch.where == ""
    assert dispatch.bindings["NAMESPACE"]["namespace"] == NAMESPACE
    assert api.state.crons == {"dispatch-staging": ["*/5 * * * *", "0 * * * *", "0 0 * * *"]}
    assert not re.search("value of", result.stdout + result.stderr)


@pytest.mark.parametrize("service", ORDER[:4])
def test_one_service_is_deployed_alone(deployed: CloudflareApi, run: Run, service: str) -> None:
    for name in ORDER[: ORDER.index(service)]:
        deployed.state.scripts[NAMESPACE, name] = Upload(NAMESPACE, name, {}, {})
    deployed.state.scripts[NAMESPACE, service] = Upload(NAMESPACE, service, {}, {})
    result = run(DEPLOY, service, "staging")
    assert result.returncode == DONE, result.stdout + result.stderr
    assert _names(deployed) == [service]
    assert f"{service}: deployed and verified in staging" in result.stdout


def test_one_service_of_a_complete_environment_is_asked_for_its_health(
    deployed: CloudflareApi, run: Run, dispatcher: Answers
) -> None:
    _all_there(deployed)
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


def test_peers_can_be_found_by_name_instead(api: CloudflareApi, run: Run, secrets: str) -> None:
    result = run(DEPLOY, "gateway", "staging", "--secrets", secrets, "--peers", "dispatch")
    assert result.returncode == DONE, result.stdout + result.stderr
    (gateway,) = api.state.uploads
    assert _targets(gateway) == {
        ("GATEWAY_KV", "kv_namespace", "48289a56146d470f97ca98401f30c7d7"),
        ("DISPATCH", "dispatch_namespace", NAMESPACE),
    }
    assert not (ROOT / "gateway" / "wrangler.dispatch.json").exists()


def test_peers_are_found_as_in_the_last_deployment_unless_told(deployed: CloudflareApi, run: Run) -> None:
    _all_there(deployed)
    deployed.state.faults.append(Fault(rf"{UPLOADS}gateway$", 0, arrives=True))
    failed = run(DEPLOY, "gateway", "staging", "--peers", "dispatch", "--secrets", "/dev/null")
    same = "scripts/deploy-to-namespace.sh gateway staging --peers dispatch --secrets /dev/null"
    assert (failed.returncode, f"run the same again: {same}\n" in failed.stdout) == (UPLOAD, True), failed.stdout
    deployed.state.faults.clear()
    result = run(DEPLOY, "auth", "staging")
    assert (result.returncode, "through a dispatch binding" in result.stdout) == (DONE, True), result.stdout
    assert run(DEPLOY, "auth", "staging", "--peers", "services").returncode == DONE
    assert run(DEPLOY, "auth", "staging").returncode == DONE
    kinds = [upload.bindings.keys() & {"DISPATCH", "DB"} for upload in deployed.state.uploads]
    assert kinds[-4:] == [{"DISPATCH"}, {"DISPATCH"}, {"DB"}, {"DB"}]


def test_a_dry_run_uploads_nothing(api: CloudflareApi, run: Run, secrets: str) -> None:
    result = run(DEPLOY, "all", "staging", "--dry-run", "--secrets", secrets)
    assert result.returncode == DONE, result.stdout + result.stderr
    assert not [line for line in api.state.requests if not line.startswith("GET ")]
    assert {folder.name for folder in (ROOT / "dist").iterdir()} >= set(ORDER)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["db gateway", "staging"], "no service 'db gateway'; one of: db, auth, schedule, gateway, dispatch, all"),
        (["internal", "staging"], "no service 'internal'"),
        (["db", "prod"], "no environment 'prod'; one of: production, staging, development"),
        (["db", "production"], "pass --yes"),
        (["db", "staging", "--secrets", "/nowhere/at/all"], "--secrets: "),
        (["db", "staging", "--secrets", "[/nowhere/at/all]"], "[/nowhere/at/all]"),
    ],
)
def test_a_wrong_name_touches_nothing(api: CloudflareApi, run: Run, arguments: list[str], said: str) -> None:
    result = run(DEPLOY, *arguments)
    assert result.returncode == USAGE
    assert said in result.stdout
    assert api.state.requests == []


def test_a_missing_argument_is_explained(run: Run) -> None:
    result = run(DEPLOY)
    assert result.returncode == USAGE
    assert "SERVICE|all" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CLOUDFLARE_API_TOKEN": ""}, "CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not both set"),
        ({"CLOUDFLARE_API_TOKEN": "stolen"}, "Cloudflare's API answers 401"),
        ({"CLOUDFLARE_ACCOUNT_ID": "other"}, "Cloudflare's API answers 404"),
        ({"CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:1/client/v4"}, "Cloudflare's API does not answer"),
        ({"DEPLOY_API_URL": "http://127.0.0.1:1"}, "the deploy API does not answer /health"),
    ],
)
def test_a_failed_check_uploads_nothing(
    deployed: CloudflareApi, run: Run, variables: dict[str, str], said: str
) -> None:
    result = run(DEPLOY, "db", "staging", **variables)
    assert (result.returncode, deployed.state.uploads) == (CHECKS, [])
    assert said in result.stdout
    assert "stolen" not in result.stdout + result.stderr


def test_a_missing_namespace_is_named_with_the_command_that_makes_it(api: CloudflareApi, run: Run) -> None:
    result = run(DEPLOY, "db", "development")
    assert (result.returncode, api.state.uploads) == (CHECKS, [])
    assert "npx wrangler dispatch-namespace create dotdo-development" in result.stdout


def test_missing_secrets_are_named_with_the_command_that_sets_them(api: CloudflareApi, run: Run) -> None:
    api.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    api.state.secret(NAMESPACE, "db", DATABASE_URL="x")
    result = run(DEPLOY, "all", "staging")
    assert (result.returncode, api.state.uploads) == (CHECKS, [])
    assert "db lacks the secrets CLICKHOUSE_PASSWORD, INTERNAL_SECRET" in result.stdout
    assert "Run: scripts/secrets.sh db staging" in result.stdout
    assert "auth lacks the secrets WORKOS_API_KEY" in result.stdout
    assert "not deployed there yet: pass a file with them, --secrets FILE" in result.stdout


UPLOADS = r"PUT .*/scripts/"


@pytest.mark.parametrize("status", [500, 403, 0], ids=["500", "403", "connection cut"])
def test_a_failure_in_the_third_upload_says_what_is_deployed_and_how_to_go_on(
    api: CloudflareApi, run: Run, secrets: str, status: int
) -> None:
    api.state.faults.append(Fault(rf"{UPLOADS}schedule$", status))
    result = run(DEPLOY, "all", "staging", "--secrets", secrets)
    assert result.returncode == UPLOAD, result.stdout + result.stderr
    assert _names(api) == ["db", "auth"]
    assert status == 0 or "made to fail [code: 10001]" in result.stdout
    assert "Deployed: db, auth. Not deployed: schedule, gateway, dispatch." in result.stdout
    assert "schedule may have arrived all the same" in result.stdout
    assert f"run the same again: scripts/deploy-to-namespace.sh all staging --secrets {secrets}\n" in result.stdout
    assert "scripts/rollback.sh auth staging" in result.stdout
    assert "value of" not in result.stdout + result.stderr
    if status == 0:
        api.state.faults.clear()
        assert run(DEPLOY, "all", "staging", "--secrets", secrets).returncode == DONE
        assert _names(api)[2:] == ["db", "auth", "schedule", "gateway", "dispatch-staging"]


def test_an_interrupted_upload_says_what_is_deployed(api: CloudflareApi, run: Run, secrets: str) -> None:
    held = threading.Event()
    api.state.holds.append(Hold(rf"{UPLOADS}auth$", held))
    interruptible = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp('sh', sys.argv)"
    script = str(ROOT / "scripts" / DEPLOY)
    command = [sys.executable, "-c", interruptible, script, "all", "staging", "--secrets", secrets]
    with subprocess.Popen(
        command, cwd=run.folder, env=run.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert held.wait(60), "the second upload has begun"
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "auth: interrupted" in output
    assert "Deployed: db. Not deployed: auth, schedule, gateway, dispatch." in output
    assert _names(api) == ["db"]


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/health", (500, {}), "/health answers 500"),
        ("/ready", (503, {"services": {"db": "ok", "auth": "down", "schedule": "ok"}}), "auth is down"),
        ("/ready", (200, ["surprise"]), "answers no readiness report"),
    ],
)
def test_what_is_deployed_and_does_not_work_is_an_error(
    deployed: CloudflareApi, run: Run, dispatcher: Answers, path: str, answer: tuple[int, object], said: str
) -> None:
    _all_there(deployed)
    assert run("verify.sh", "staging").returncode == DONE
    dispatcher.table[path] = answer
    result = run("verify.sh", "staging")
    assert result.returncode == VERIFY
    assert said in result.stdout


def test_a_missing_script_fails_the_verification(deployed: CloudflareApi, run: Run) -> None:
    result = run("verify.sh", "staging")
    assert result.returncode == VERIFY
    assert all(f"{name} is not deployed in staging" in result.stdout for name in ORDER)


def test_secrets_are_stored_and_never_shown(api: CloudflareApi, run: Run, secrets: str) -> None:
    result = run("secrets.sh", "db", "staging", "--file", secrets)
    assert result.returncode == UPLOAD
    assert "is db deployed in staging?" in result.stdout
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


def test_production_asks_first(api: CloudflareApi, run: Run) -> None:
    code, shown = run.typed("n\n", DEPLOY, "db", "production")
    assert (code, "Nothing was touched." in shown, api.state.requests) == (USAGE, True, [])


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


def test_a_rollback_uploads_what_was_there_before(deployed: CloudflareApi, run: Run, tmp_path: Path) -> None:
    deployed.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    result = run("rollback.sh", "db", "staging")
    assert result.returncode == CHECKS
    assert "no earlier version of db in staging" in result.stdout
    extra = ROOT / "db" / "src" / "db" / "only_in_the_first.py"
    try:
        extra.write_text('"""Tells versions apart."""\n')
        assert run(DEPLOY, "db", "staging").returncode == DONE
    finally:
        extra.unlink()
    assert run(DEPLOY, "db", "staging").returncode == DONE
    result = run("rollback.sh", "db", "staging")
    assert result.returncode == DONE, result.stdout + result.stderr
    first, second, third = deployed.state.uploads
    assert "db/only_in_the_first.py" in first.modules
    assert "db/only_in_the_first.py" not in second.modules
    assert (third.modules, third.metadata) == (first.modules, first.metadata)
    assert not list((ROOT / ".dotdo").glob("rollback-*"))


def _deploy_marked(run: Run, mark: str) -> int:
    """Deploys a db that tells itself from others by a module `only_in_<mark>`; the exit code."""
    extra = ROOT / "db" / "src" / "db" / f"only_in_{mark}.py"
    try:
        extra.write_text('"""Tells versions apart."""\n')
        return run(DEPLOY, "db", "staging").returncode
    finally:
        extra.unlink()


def _mark(upload: Upload) -> str:
    return next(name for name in upload.modules if "only_in_" in name).removeprefix("db/only_in_").removesuffix(".py")


@pytest.mark.parametrize(
    ("fault", "target"),
    [
        (Fault(rf"{UPLOADS}db$", 0, arrives=True), "second"),
        (Fault(rf"{UPLOADS}db$", 500), "second"),
        (Fault(rf"{UPLOADS}db$", 403), "first"),
        (Fault(r"GET .*/scripts/db$", 403), "first"),
    ],
    ids=["arrived, connection cut", "500", "refused", "not sent"],
)
def test_a_rollback_after_a_failed_upload_goes_to_what_was_there_before_what_may_be_there(
    deployed: CloudflareApi, run: Run, fault: Fault, target: str
) -> None:
    deployed.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    assert [_deploy_marked(run, mark) for mark in ("first", "second", "second")] == [DONE, DONE, DONE]
    deployed.state.faults.append(fault)
    assert _deploy_marked(run, "third") in (UPLOAD, CHECKS)
    deployed.state.faults.clear()
    result = run("rollback.sh", "db", "staging")
    assert result.returncode == DONE, result.stdout + result.stderr
    assert _mark(deployed.state.uploads[-1]) == target


def test_a_rollback_that_may_have_arrived_can_be_repeated(deployed: CloudflareApi, run: Run) -> None:
    deployed.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    assert [_deploy_marked(run, mark) for mark in ("first", "second")] == [DONE, DONE]
    deployed.state.faults.append(Fault(rf"{UPLOADS}db$", 0, arrives=True))
    result = run("rollback.sh", "db", "staging")
    assert (result.returncode, "It may have arrived all the same." in result.stdout) == (UPLOAD, True), result.stdout
    deployed.state.faults[:] = [Fault(rf"{UPLOADS}db$", 403)]
    result = run("rollback.sh", "db", "staging")
    assert "The version deployed last is still there." in result.stdout
    deployed.state.faults.clear()
    assert run("rollback.sh", "db", "staging").returncode == DONE
    assert _mark(deployed.state.uploads[-1]) == "first"


def test_a_rollback_finds_its_peers_as_that_version_did(deployed: CloudflareApi, run: Run) -> None:
    _all_there(deployed)
    assert run(DEPLOY, "gateway", "staging", "--peers", "dispatch").returncode == DONE
    assert run(DEPLOY, "gateway", "staging", "--peers", "services").returncode == DONE
    assert run("rollback.sh", "gateway", "staging").returncode == DONE
    first, second, third = map(_targets, deployed.state.uploads)
    assert third == first != second
    assert ("DISPATCH", "dispatch_namespace", NAMESPACE) in third


def test_production_needs_a_clean_tree(api: CloudflareApi, run: Run) -> None:
    for name, names in REQUIRED_SECRETS.items():
        api.state.secret("dotdo-production", name, **dict.fromkeys(names, "x"))
        api.state.scripts["dotdo-production", name] = Upload("dotdo-production", name, {}, {})
    stray = ROOT / "db" / "src" / "stray.txt"
    try:
        stray.write_text("not committed\n")
        refused = run(DEPLOY, "gateway", "production", "--yes")
        assert refused.returncode == CHECKS
        assert "changes that are not committed: db/src/stray.txt" in refused.stdout
        assert "Never commit a secrets file." in refused.stdout
        assert run(DEPLOY, "gateway", "production", "--yes", "--allow-dirty").returncode == DONE
    finally:
        stray.unlink()
    assert api.state.uploads[0].bindings["ENVIRONMENT"]["text"] == "production"


def test_it_runs_on_an_old_bash_and_says_what_it_can(run: Run) -> None:
    for script in (ROOT / "scripts").glob("*.sh"):
        assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
        text = script.read_text()
        assert not re.search(r"declare -A|\[\[|mapfile|\$\{\w+,,\}", text)
        help_text = run(script.name, "--help")
        assert help_text.returncode == 0
        assert "Exit codes" in help_text.stdout


def test_files_are_looked_up_where_the_caller_stands(api: CloudflareApi, run: Run, secrets: str) -> None:
    (run.folder / "my secrets.env").write_text(Path(secrets).read_text())
    (run.folder / "scripts").mkdir()
    (run.folder / "scripts" / "__init__.py").write_text("raise SystemExit('a folder of the caller was run')\n")
    result = run(DEPLOY, "db", "staging", "--dry-run", "--secrets", "my secrets.env")
    assert result.returncode == DONE, result.stdout + result.stderr
    api.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    result = run("secrets.sh", "db", "staging", "--file", "my secrets.env")
    assert result.returncode == DONE, result.stdout + result.stderr
    assert set(api.state.secrets[NAMESPACE, "db"]) == set(REQUIRED_SECRETS["db"])


def test_they_run_from_a_path_with_spaces(run: Run) -> None:
    clone = run.folder / "a clone"
    clone.symlink_to(ROOT)
    for script in (ROOT / "scripts").glob("*.sh"):
        command = ["sh", f"{clone.name}/scripts/{script.name}", "--help"]
        environment = {**run.environment, "CDPATH": str(ROOT)}
        ran = subprocess.run(command, cwd=run.folder, env=environment, capture_output=True, text=True, check=False)
        assert (ran.returncode, "Exit codes" in ran.stdout) == (DONE, True), ran.stderr


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
