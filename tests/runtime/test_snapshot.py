"""After an upgrade the new workerd runs, with a snapshot of its own."""

import json
import subprocess
from pathlib import Path

import pytest

from scripts.runtime.bundle import BundleError
from scripts.runtime.services import ROOT
from scripts.runtime.snapshot import build_snapshot
from scripts.runtime.workers import workerd_binary
from scripts.stack.process import StartError

OLD, NEW = "1.20251231.0", "1.20261117.1"

# In place of workerd: writes what it was told as the snapshot, and fails as the real one does for an empty Worker.
FAKE = """#!/bin/sh
for option in "$@"; do
  case $option in --python-snapshot-dir=*) folder=${option#*=} ;; *.capnp) configuration=$option ;; esac
done
cp "$configuration" "$folder/snapshot.bin"
exit 1
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """node_modules after an upgrade, as pnpm leaves it: the old release is still there."""
    store = tmp_path / "node_modules" / ".pnpm"
    for version in (OLD, NEW):
        platform = (
            store / f"@cloudflare+workerd-linux-64@{version}" / "node_modules" / "@cloudflare" / "workerd-linux-64"
        )
        (platform / "bin").mkdir(parents=True)
        (platform / "bin" / "workerd").write_text(FAKE)
        (platform / "bin" / "workerd").chmod(0o755)
        (platform / "package.json").write_text(json.dumps({"version": version}))
        modules = store / f"workerd@{version}" / "node_modules"
        (modules / "workerd").mkdir(parents=True)
        (modules / "@cloudflare").mkdir()
        (modules / "@cloudflare" / "workerd-linux-64").symlink_to(platform)
    _depend_on(tmp_path / "node_modules", OLD)
    _depend_on(tmp_path / "node_modules", NEW)
    return tmp_path / "node_modules"


def _depend_on(packages: Path, workerd: str) -> None:
    """Installs a Miniflare that depends on this workerd."""
    modules = packages / ".pnpm" / f"miniflare@5.{workerd}" / "node_modules"
    if not modules.exists():
        (modules / "miniflare").mkdir(parents=True)
        (modules / "workerd").symlink_to(packages / ".pnpm" / f"workerd@{workerd}" / "node_modules" / "workerd")
    (packages / "miniflare").unlink(missing_ok=True)
    (packages / "miniflare").symlink_to(modules / "miniflare")


def _version(workerd: Path) -> str:
    return str(json.loads((workerd.parents[1] / "package.json").read_text())["version"])


def test_workerd_is_the_one_that_miniflare_depends_on(packages: Path) -> None:
    assert _version(workerd_binary(packages)) == NEW
    _depend_on(packages, OLD)
    assert _version(workerd_binary(packages)) == OLD


def test_the_one_installed_here_is_of_the_date_in_its_version() -> None:
    workerd = workerd_binary()
    said = subprocess.run([workerd, "--version"], capture_output=True, text=True, check=True).stdout
    _, released, _ = _version(workerd).split(".")
    assert said.split() == ["workerd", f"{released[:4]}-{released[4:6]}-{released[6:]}"]
    wanted = json.loads((ROOT / "node_modules" / "miniflare" / "package.json").read_text())["dependencies"]["workerd"]
    assert wanted == _version(workerd)


def test_a_missing_one_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="make install"):
        workerd_binary(tmp_path)


def test_each_workerd_date_and_set_of_flags_has_its_snapshot(packages: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    new = workerd_binary(packages)
    first = build_snapshot(new, bundle, "2026-09-08", ("a", "b"))
    assert 'compatibilityDate = "2026-09-08"' in first.read_text()
    first.write_text("kept")
    assert build_snapshot(new, bundle, "2026-09-08", ("a", "b")).read_text() == "kept"
    _depend_on(packages, OLD)
    others = [
        build_snapshot(workerd_binary(packages), bundle, "2026-09-08", ("a", "b")),
        build_snapshot(new, bundle, "2026-10-01", ("a", "b")),
        build_snapshot(new, bundle, "2026-09-08", ("a",)),
    ]
    assert len({first, *others}) == 4
    assert sorted(bundle.iterdir()) == sorted([first, *others]), "nothing else is left"


def test_a_workerd_that_writes_none_is_an_error(packages: Path, tmp_path: Path) -> None:
    workerd = workerd_binary(packages)
    workerd.write_text("#!/bin/sh\necho no such flag >&2\nexit 1\n")
    with pytest.raises(BundleError, match="no such flag"):
        build_snapshot(workerd, tmp_path, "2026-09-08", ())
