"""A rollback uploads what was there before what may be there."""

from pathlib import Path

import pytest

from scripts.deploy.steps import CHECKS, DONE, UPLOAD
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import CloudflareApi, Fault, Upload
from tests.deploy.conftest import NAMESPACE, Run
from tests.deploy.uploads import DEPLOY, UPLOADS


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
