"""How a deployed Worker finds the others: by service bindings, or by name through a dispatch binding."""

from scripts.deploy.steps import DONE, UPLOAD
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import CloudflareApi, Fault
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
