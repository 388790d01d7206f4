"""The known defects of deploying, each shown to be absent."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.deploy.steps import CHECKS, VERIFY
from scripts.deploy.table import ENVIRONMENTS, ORDER
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT, SERVICES
from tests.deploy.cloudflare_api import CloudflareApi
from tests.deploy.conftest import Run, api, dispatcher, run

__all__ = ["api", "dispatcher", "run"]

SCRIPTS = ROOT / "scripts"
DISPATCH = SCRIPTS / "dispatch" / "wrangler.jsonc"
CONFIGURATIONS = {service.name: read_configuration(service.configuration) for service in SERVICES}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def deploying() -> str:
    files = [*(SCRIPTS / "deploy").glob("*.py"), *SCRIPTS.glob("*.sh"), *(ROOT / ".github").rglob("*.yml")]
    return "\n".join(file.read_text() for file in files)


def test_O_1_crons_fire_in_a_namespace() -> None:
    crons = CONFIGURATIONS["schedule"]["triggers"]["crons"]
    environments = read_configuration(DISPATCH)["env"]
    assert {name: row["triggers"]["crons"] for name, row in environments.items()} == dict.fromkeys(ENVIRONMENTS, crons)
    assert "tick(event.cron, event.scheduledTime)" in (DISPATCH.parent / "src" / "index.mjs").read_text()


def test_O_2_no_option_that_does_not_exist() -> None:
    text = deploying()
    assert "list-workers" not in text
    assert not re.search(r"(secret|tail)[^\n]*--dispatch-namespace", text)


def test_O_3_bound_workers_come_first() -> None:
    for name, configuration in CONFIGURATIONS.items():
        for row in configuration.get("services", []):
            assert ORDER.index(row["service"]) < ORDER.index(name)


def test_O_4_scripts_run_from_anywhere(tmp_path: Path) -> None:
    script = SCRIPTS / "deploy-to-namespace.sh"
    result = subprocess.run([str(script), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0


@pytest.mark.parametrize("service", ["gateway db", "gate", "", "db "])
def test_O_5_a_service_is_matched_whole(service: str) -> None:
    script = SCRIPTS / "deploy-to-namespace.sh"
    result = subprocess.run([str(script), service, "staging"], capture_output=True, text=True, check=False)
    assert (result.returncode, "one of: db, auth, schedule, gateway, dispatch, all" in result.stdout) == (2, True)


def test_O_6_no_bash_4() -> None:
    for script in SCRIPTS.glob("*.sh"):
        assert script.read_text().startswith("#!/bin/sh\n")


def test_O_7_what_is_wrong_is_found_before_anything_goes_up_and_afterwards(api: CloudflareApi, run: Run) -> None:
    """What each check finds is shown in tests/deploy."""
    refused = run(
        "deploy-to-namespace.sh", "db", "production", "--yes", "--dry-run", DEPLOY_API_URL="http://127.0.0.1:1"
    )
    assert (refused.returncode, api.state.uploads) == (CHECKS, [])
    for check in (
        "packages match their locks", "configurations", "git tree", "credentials", "namespace", "secrets", "deploy API",
    ):  # fmt: skip
        assert re.search(rf"[✓✗] {check}", refused.stdout), check
    assert "db lacks the secrets DATABASE_URL" in refused.stdout
    verified = run("verify.sh", "staging")
    assert (verified.returncode, "db is not deployed in staging" in verified.stdout) == (VERIFY, True)


def test_O_9_names_are_those_the_bindings_expect() -> None:
    assert {name: row["name"] for name, row in CONFIGURATIONS.items()} == {name: name for name in CONFIGURATIONS}


def test_O_10_auth_binds_db_and_logger() -> None:
    auth = CONFIGURATIONS["auth"]
    assert auth["services"] == [{"binding": "DB", "service": "db"}]
    assert auth["tail_consumers"] == [{"service": "logger"}]


def test_O_11_one_namespace_for_each_environment() -> None:
    bound = {name: row["dispatch_namespaces"] for name, row in read_configuration(DISPATCH)["env"].items()}
    assert bound == {name: [{"binding": "NAMESPACE", "namespace": row.namespace}] for name, row in ENVIRONMENTS.items()}
    id = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    said = re.findall(rf"\| (\w+) \| `([\w-]+)` \| ({id}) \|", pages)
    assert {(name, namespace) for name, namespace, _ in said} == {
        (name, row.namespace) for name, row in ENVIRONMENTS.items()
    }
    assert sorted(id for _, _, id in said) == sorted(set(re.findall(id, pages))), "one for each, said once"


def test_O_12_no_worker_has_an_address_of_its_own() -> None:
    assert not any(row["workers_dev"] for row in CONFIGURATIONS.values())
    assert not read_configuration(DISPATCH)["env"]["production"]["workers_dev"]


def test_O_13_tests_need_no_live_domain() -> None:
    own = [file for file in (ROOT / "tests").rglob("*.py") if file.name != Path(__file__).name]
    assert not [
        file.name for file in own if re.search(r"https://\S*(services\.do|apis\.do)\S*/health", file.read_text())
    ]


def test_O_15_no_account_or_credential_is_committed() -> None:
    secret = re.compile(
        r"account_id\"?\s*[:=]\s*\"?[0-9a-f]{32}|AKIA[0-9A-Z]{16}|access_key_id\"?\s*[:=]\s*\"?[0-9a-f]{20}"
    )
    texts = (
        file for file in tracked() if file.suffix in {".py", ".mjs", ".json", ".jsonc", ".md", ".yml", ".toml", ".sh"}
    )
    assert not [str(file) for file in texts if secret.search(file.read_text())]


def test_O_16_staging_is_deployed_to_staging() -> None:
    workflow = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    jobs: dict[str, str] = dict(re.findall(r"\n  (\w+):\n((?:    .*\n)+)", workflow))
    assert "environment: staging" in jobs["staging"]
    assert "refs/heads/main" in jobs["staging"]
    assert "environment: production" in jobs["production"]
    assert "refs/tags/v" in jobs["production"]
    called = (ROOT / ".github" / "workflows" / "deploy-to.yml").read_text()
    assert 'deploy-to-namespace.sh all "$TARGET"' in called
    assert "TARGET: ${{ inputs.environment }}" in called
    assert "workers.services.do" not in workflow + called
