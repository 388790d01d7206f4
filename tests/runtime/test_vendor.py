"""Vendored packages: installed once, complete, and in the state in which pywrangler has nothing to sync."""

import subprocess
import sys

import pytest

from scripts.runtime.services import SERVICES, SHARED_PACKAGE, Service
from scripts.runtime.vendor import vendor

SYNC_NEEDED = (
    "from pywrangler.sync import check_requirements_txt, is_sync_needed as n; check_requirements_txt(); print(n())"
)


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    vendored: Service = request.param
    vendor(vendored)
    return vendored


def test_nothing_is_installed_twice(service: Service) -> None:
    assert vendor(service) is False


def test_the_shared_package_is_there_as_it_is_in_its_source(service: Service) -> None:
    def files(folder: str) -> dict[str, bytes]:
        root = service.modules / "dotdo" if folder == "copy" else SHARED_PACKAGE
        return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*.py")}

    assert files("copy") == files("source")


def test_what_no_worker_imports_is_left_out(service: Service) -> None:
    patterns = ("*.dist-info", "*.pyi", "tests", "__pycache__", "pydantic/v1", "pydantic/mypy.py")
    assert [file for pattern in patterns for file in service.modules.rglob(pattern)] == []


def test_compiled_code_is_of_the_workers_platform(service: Service) -> None:
    names = [file.name for file in service.modules.rglob("*.so")]
    assert all("cpython-314" in name and "wasm32-emscripten" in name for name in names)
    assert bool(names) == (service.name != "gateway")


def test_pywrangler_finds_nothing_to_sync(service: Service) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", SYNC_NEEDED], cwd=service.folder, capture_output=True, text=True, check=False
    )
    assert (asked.stdout.strip(), asked.returncode) == ("False", 0), asked.stderr
