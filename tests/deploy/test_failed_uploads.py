"""Uploads that fail, are cut or interrupted: what is deployed by then, and how to go on."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from scripts.deploy.steps import DONE, INTERRUPTED, UPLOAD
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import CloudflareApi, Fault, Hold
from tests.deploy.conftest import Run
from tests.deploy.uploads import DEPLOY, UPLOADS, names


@pytest.mark.parametrize("status", [500, 403, 0], ids=["500", "403", "connection cut"])
def test_a_failure_in_the_third_upload_says_what_is_deployed_and_how_to_go_on(
    api: CloudflareApi, run: Run, secrets: str, status: int
) -> None:
    api.state.faults.append(Fault(rf"{UPLOADS}schedule$", status))
    result = run(DEPLOY, "all", "staging", "--secrets", secrets)
    assert result.returncode == UPLOAD, result.stdout + result.stderr
    assert names(api) == ["db", "auth"]
    assert status == 0 or "made to fail [code: 10001]" in result.stdout
    assert "Deployed: db, auth. Not deployed: schedule, gateway, dispatch." in result.stdout
    assert "schedule may have arrived all the same" in result.stdout
    assert f"run the same again: scripts/deploy-to-namespace.sh all staging --secrets {secrets}\n" in result.stdout
    assert "scripts/rollback.sh auth staging" in result.stdout
    said = "".join(
        (ROOT / ".dotdo" / "wrangler" / f"staging-{name}.log").read_text() for name in ("db", "auth", "schedule")
    )
    assert "CF API REQUEST: PUT" in said
    assert "value of" not in result.stdout + result.stderr + said
    if status == 0:
        api.state.faults.clear()
        assert run(DEPLOY, "all", "staging", "--secrets", secrets).returncode == DONE
        assert names(api)[2:] == ["db", "auth", "schedule", "gateway", "dispatch-staging"]


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
    assert names(api) == ["db"]


@pytest.mark.parametrize(("refused", "kept"), [("scripts/dispatch-staging$", 0), ("schedules$", 1)])
def test_a_worker_whose_upload_arrived_is_kept_though_a_later_step_was_refused(
    api: CloudflareApi, run: Run, refused: str, kept: int
) -> None:
    kept_ones = ROOT / ".dotdo" / "deployments" / "staging" / "dispatch"
    before = {*kept_ones.glob("*.attempt")}
    api.state.faults.append(Fault(rf"PUT .*{refused}", 403))
    assert run(DEPLOY, "dispatch", "staging").returncode == UPLOAD
    assert len(names(api)) == kept
    assert "Forbidden 403" in (ROOT / ".dotdo" / "wrangler" / "staging-dispatch.log").read_text()
    assert len({*kept_ones.glob("*.attempt")} - before) == kept
