"""Nothing is uploaded by a dry run, nor where something is wrong with what was asked or with where it is to go."""

import pytest

from scripts.deploy.steps import CHECKS, DONE, USAGE
from scripts.deploy.table import ORDER, REQUIRED_SECRETS
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import CloudflareApi, Upload
from tests.deploy.conftest import NAMESPACE, Run
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


def test_production_asks_first(api: CloudflareApi, run: Run) -> None:
    code, shown = run.typed("n\n", DEPLOY, "db", "production")
    assert (code, "Nothing was touched." in shown, api.state.requests) == (USAGE, True, [])


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
