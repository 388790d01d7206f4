"""How a deployed Worker finds the others: by service bindings, or by name through a dispatch binding."""

from scripts.deploy.steps import CHECKS, DONE, UPLOAD
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import CloudflareApi, Fault, Upload
from tests.deploy.conftest import NAMESPACE, Run
from tests.deploy.uploads import DEPLOY, UPLOADS, all_there, targets


def test_peers_can_be_found_by_name_instead(api: CloudflareApi, run: Run, secrets: str) -> None:
    result = run(DEPLOY, "gateway", "staging", "--secrets", secrets, "--peers", "dispatch")
    assert result.returncode == DONE, result.stdout + result.stderr
    (gateway,) = api.state.uploads
    assert targets(gateway) == {
        ("GATEWAY_KV", "kv_namespace", "48289a56146d470f97ca98401f30c7d7"),
        ("DISPATCH", "dispatch_namespace", NAMESPACE),
    }
    assert not (ROOT / "gateway" / "wrangler.dispatch.json").exists()


def test_peers_are_found_as_in_the_last_deployment_unless_told(deployed: CloudflareApi, run: Run) -> None:
    all_there(deployed)
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


def test_a_rollback_finds_its_peers_as_that_version_did(deployed: CloudflareApi, run: Run) -> None:
    all_there(deployed)
    assert run(DEPLOY, "gateway", "staging", "--peers", "dispatch").returncode == DONE
    assert run(DEPLOY, "gateway", "staging", "--peers", "services").returncode == DONE
    assert run("rollback.sh", "gateway", "staging").returncode == DONE
    first, second, third = map(targets, deployed.state.uploads)
    assert third == first != second
    assert ("DISPATCH", "dispatch_namespace", NAMESPACE) in third


def test_workers_of_the_account_with_the_same_names_are_not_bound(deployed: CloudflareApi, run: Run) -> None:
    all_there(deployed)
    assert [run(DEPLOY, "auth", "staging", "--peers", kind).returncode for kind in ("services", "dispatch")] == [
        DONE,
        DONE,
    ]
    deployed.state.scripts["", "db"] = Upload("", "db", {}, {})
    uploads = len(deployed.state.uploads)
    for script, arguments in (
        (DEPLOY, ["auth", "staging", "--peers", "services"]),
        ("rollback.sh", ["auth", "staging"]),
    ):
        refused = run(script, *arguments)
        assert (refused.returncode, len(deployed.state.uploads)) == (CHECKS, uploads), refused.stdout
        assert "the account itself has Workers called db" in refused.stdout
        assert "scripts/deploy-to-namespace.sh all staging --peers dispatch" in refused.stdout
    assert run(DEPLOY, "auth", "staging", "--peers", "dispatch").returncode == DONE


def test_a_binding_that_is_not_resolved_is_told_with_the_other_kind(deployed: CloudflareApi, run: Run) -> None:
    all_there(deployed)
    deployed.state.faults.append(Fault(rf"{UPLOADS}auth$", 400, 10143))
    refused = run(DEPLOY, "auth", "staging")
    assert (refused.returncode, "pass --peers dispatch" in refused.stdout) == (UPLOAD, True), refused.stdout


def test_a_worker_of_somebody_else_stays_bound(deployed: CloudflareApi, run: Run) -> None:
    """Optional ones are Workers of the account: no namespace of ours holds them."""
    all_there(deployed)
    deployed.state.scripts["", "code-exec"] = Upload("", "code-exec", {}, {})
    file = ROOT / "gateway" / "wrangler.jsonc"
    text = file.read_text()
    added = text.replace('"services": [', '"services": [{ "binding": "CODE_EXEC", "service": "code-exec" },')
    try:
        file.write_text(added)
        for kind in ("services", "dispatch"):
            result = run(DEPLOY, "gateway", "staging", "--peers", kind)
            assert result.returncode == DONE, result.stdout + result.stderr
    finally:
        file.write_text(text)
    bound, found = map(targets, deployed.state.uploads)
    assert ("CODE_EXEC", "service", "code-exec") in bound & found
    assert ("DB", "service", "db") in bound - found
