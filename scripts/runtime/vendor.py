"""Vendors each Worker's packages: the pinned wheels for the Workers platform, and the shared package.

`python -m scripts.runtime.vendor` brings every `python_modules` up to date; with `--lock` it writes the locks anew from the
Workers' pyproject files. pywrangler would need an interpreter that no package registry has; the tokens left here tell it that
nothing is left to sync, so that `pywrangler dev` and `pywrangler deploy` work as they are.
"""

import fcntl
import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import typer

from scripts.runtime.services import FASTAPI, ROOT, SERVICES, SHARED_PACKAGE, Service

PLATFORM = "pyemscripten_2026_0_wasm32"
PYTHON = "3.14"
ABI = "cp314"

# Never needed by a Worker: notes about the package, its tests, type stubs, other interfaces' compiled code, pydantic's first
# version and its plugin for mypy, time zones (every instant here is in UTC, and dateutil does without).
NOT_UPLOADED = (
    "*.dist-info", "tests", "test", "*.pyi", "__pycache__", "py.typed", "bin", "pydantic/v1", "pydantic/mypy.py",
    "tzdata", "dateutil/zoneinfo", "dateutil/tz/win.py",
)  # fmt: skip


class VendorError(Exception):
    """pip or uv failed; the message carries what it said."""


def vendor(service: Service) -> bool:
    """Brings one Worker's python_modules up to date. True when packages were installed."""
    state = service.folder / ".venv-workers"
    state.mkdir(exist_ok=True)
    stamp = state / "lock.sha256"
    wanted = hashlib.sha256(service.lock.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    with (state / "busy").open("w") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)  # another stack, or the tests, may be at it
        installed = not service.modules.exists() or not stamp.exists() or stamp.read_text() != wanted
        if installed:
            stamp.unlink(missing_ok=True)  # until it has come to its end, nothing is said of what is there
            _install(service)
            stamp.write_text(wanted)
        _mirror(SHARED_PACKAGE, service.modules / "dotdo")
        _leave_tokens(service)
    return installed


def vendor_all() -> None:
    """All four at once. Raises VendorError."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(vendor, SERVICES))


def lock(service: Service, options: Sequence[str] = ()) -> None:
    """Writes the Worker's lock from its pyproject.toml: pinned, with hashes, without addresses. `options` are more of uv's."""
    _run([
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate",
        "--python-version", PYTHON, "--no-emit-package", "dotdo-shared", *options,
        str(service.folder / "pyproject.toml"), "-o", str(service.lock),
    ])  # fmt: skip


def _install(service: Service) -> None:
    target = service.folder / "python_modules.partial"
    shutil.rmtree(target, ignore_errors=True)
    _run([
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-compile",
        "--disable-pip-version-check", "--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON,
        "--abi", ABI, "--abi", "none", "--platform", PLATFORM, "--platform", "any",
        "--target", str(target), "-r", str(service.lock),
    ])  # fmt: skip
    for pattern in NOT_UPLOADED:
        for found in list(target.rglob(pattern)):
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink()
    shutil.rmtree(service.modules, ignore_errors=True)
    target.rename(service.modules)


def _mirror(source: Path, target: Path) -> None:
    """Copies what differs, removes what is gone."""
    wanted = {file.relative_to(source) for file in source.rglob("*") if file.suffix == ".py"}
    for file in [file for file in target.rglob("*") if file.is_file()]:
        if file.relative_to(target) not in wanted:
            file.unlink()
    for name in wanted:
        copy = target / name
        if not copy.exists() or not filecmp.cmp(source / name, copy, shallow=False):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, copy)


def _leave_tokens(service: Service) -> None:
    """pywrangler asks for both tokens, with its own version in them, and newer than pyproject.toml."""
    for folder in (service.modules, service.folder / ".venv-workers"):
        token = folder / ".synced"
        token.write_text(version("workers-py"))
        now = max(time.time(), (service.folder / "pyproject.toml").stat().st_mtime)
        os.utime(token, (now, now))


def _run(command: list[str]) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise VendorError(f"{' '.join(command[:4])} … failed:\n{result.stderr.strip()}")


def main(relock: bool = typer.Option(False, "--lock", help="Write locks/<worker>.txt anew first.")) -> None:
    """Vendor the packages of all four Workers."""
    for service in (*SERVICES, FASTAPI) if relock else ():
        lock(service)
    for service in SERVICES:
        print(f"{service.name}: {'installed' if vendor(service) else 'up to date'}")


if __name__ == "__main__":
    typer.run(main)
