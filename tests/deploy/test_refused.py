"""Nothing is uploaded by a dry run, nor where something is wrong with what was asked or with where it is to go."""

import pytest

from scripts.deploy.steps import CHECKS, DONE, UPLOAD, USAGE
from scripts.deploy.table import ORDER, REQUIRED_SECRETS
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import CloudflareApi, Fault, Upload
from tests.deploy.conftest import CLICKHOUSE, NAMESPACE, Run
from tests.deploy.uploads import DEPLOY


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


NO_ACCESS = [
    ({"CLOUDFLARE_API_TOKEN": ""}, "CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not both set"),
    ({"CLOUDFLARE_API_TOKEN": "stolen"}, "Cloudflare's API answers 401"),
    ({"CLOUDFLARE_ACCOUNT_ID": "other"}, "Cloudflare's API answers 404"),
    ({"CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:1/client/v4"}, "Cloudflare's API does not answer"),
]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        *NO_ACCESS,
        ({"DEPLOY_API_URL": "http://127.0.0.1:1"}, "the deploy API does not answer /health"),
        ({"DISPATCH_URL": "https://apis.do"}, "staging would call production's address https://apis.do its own"),
    ],
)
def test_a_failed_check_uploads_nothing(
    deployed: CloudflareApi, run: Run, variables: dict[str, str], said: str
) -> None:
    result = run(DEPLOY, "db", "staging", **variables)
    assert (result.returncode, deployed.state.uploads) == (CHECKS, [])
    assert said in result.stdout
    assert "stolen" not in result.stdout + result.stderr


@pytest.mark.parametrize(("variables", "said"), NO_ACCESS)
@pytest.mark.parametrize(
    ("script", "arguments"), [("verify.sh", ["staging"]), ("secrets.sh", ["db", "staging", "--file", "secrets.env"])]
)
def test_without_access_nothing_else_is_asked(
    api: CloudflareApi, run: Run, secrets: str, script: str, arguments: list[str], variables: dict[str, str], said: str
) -> None:
    result = run(script, *arguments, **variables)
    assert (result.returncode, said in result.stdout) == (CHECKS, True), result.stdout
    assert len(api.state.requests) <= 1
    assert "stolen" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "The token is not valid"), (403, "lacks Account Settings: Read"), (500, "https://www.cloudflarestatus.com")],
)
def test_what_a_token_has_to_be_made_from_is_said(api: CloudflareApi, run: Run, status: int, said: str) -> None:
    api.state.faults.append(Fault(r"GET /accounts/[^/]+$", status))
    result = run("verify.sh", "staging")
    assert (result.returncode, said in result.stdout) == (CHECKS, True), result.stdout
    assert ('the template "Edit Cloudflare Workers"' in result.stdout) == (status != 500)


def test_a_token_that_may_only_read_is_told_to_be_one(deployed: CloudflareApi, run: Run, secrets: str) -> None:
    deployed.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    deployed.state.faults.append(Fault(r"PUT .*/secrets$", 403))
    result = run("secrets.sh", "db", "staging", "--file", secrets)
    assert (result.returncode, "The token may not do this." in result.stdout) == (UPLOAD, True), result.stdout


def test_a_missing_namespace_is_named_with_the_command_that_makes_it(api: CloudflareApi, run: Run) -> None:
    result = run(DEPLOY, "db", "development")
    assert (result.returncode, api.state.uploads) == (CHECKS, [])
    assert "npx wrangler dispatch-namespace create dotdo-development" in result.stdout
    verified = run("verify.sh", "development")
    assert verified.returncode == CHECKS
    assert "npx wrangler dispatch-namespace create dotdo-development" in verified.stdout


def test_missing_secrets_are_named_with_the_command_that_sets_them(api: CloudflareApi, run: Run) -> None:
    api.state.scripts[NAMESPACE, "db"] = Upload(NAMESPACE, "db", {}, {})
    api.state.secret(NAMESPACE, "db", DATABASE_URL="x")
    result = run(DEPLOY, "all", "staging", CLICKHOUSE_URL=CLICKHOUSE)
    assert (result.returncode, api.state.uploads) == (CHECKS, [])
    assert "db lacks the secrets CLICKHOUSE_PASSWORD, INTERNAL_SECRET" in result.stdout
    assert "Run: scripts/secrets.sh db staging" in result.stdout
    assert "auth lacks the secrets WORKOS_API_KEY" in result.stdout
    assert "not deployed there yet: pass a file with them, --secrets FILE" in result.stdout


ASKING = [
    (DEPLOY, ["db", "production"]),
    ("rollback.sh", ["db", "production"]),
    ("secrets.sh", ["db", "production", "--file", "secrets.env"]),
]


@pytest.mark.parametrize(("script", "arguments"), ASKING)
def test_production_asks_first(api: CloudflareApi, run: Run, secrets: str, script: str, arguments: list[str]) -> None:
    code, shown = run.typed("n\n", script, *arguments)
    assert (code, "Nothing was touched." in shown, api.state.requests) == (USAGE, True, [])
    unattended = run(script, *arguments)
    assert (unattended.returncode, "pass --yes" in unattended.stdout, api.state.requests) == (USAGE, True, [])


@pytest.mark.parametrize("answer", ["typed", "--yes"])
def test_production_is_gone_on_with_when_it_is_meant(api: CloudflareApi, run: Run, secrets: str, answer: str) -> None:
    api.state.scripts["dotdo-production", "db"] = Upload("dotdo-production", "db", {}, {})
    if answer == "typed":
        code, shown = run.typed("y\n", *_flat(ASKING[2]))
    else:
        result = run(*_flat(ASKING[2]), answer)
        code, shown = result.returncode, result.stdout
    assert code == DONE, shown
    assert set(api.state.secrets["dotdo-production", "db"]) == set(REQUIRED_SECRETS["db"])


def _flat(command: tuple[str, list[str]]) -> tuple[str, ...]:
    return command[0], *command[1]


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
