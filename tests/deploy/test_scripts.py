"""The scripts as files: on an old shell, from another folder, from a path with spaces."""

import re
import subprocess
from pathlib import Path

from scripts.deploy.steps import DONE
from scripts.deploy.table import REQUIRED_SECRETS
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import CloudflareApi, Upload
from tests.deploy.conftest import NAMESPACE, Run
from tests.deploy.uploads import DEPLOY


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
