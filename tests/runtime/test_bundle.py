"""The Pyodide bundle: every substitution must find its place, and what is built is what workerd reads."""

import re
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import capnp
import pytest

from scripts.runtime.bundle import (
    FILE_NAME,
    PACKAGE,
    SCHEMA,
    SOURCE,
    SUBSTITUTIONS,
    BundleError,
    Substitution,
    adapt,
    build_bundle,
)


@pytest.fixture(scope="module")
def source() -> str:
    return (PACKAGE / SOURCE).read_text()


@pytest.mark.parametrize("substitution", SUBSTITUTIONS, ids=lambda substitution: substitution.name)
def test_a_release_without_the_place_of_a_substitution_is_refused_by_its_name(
    source: str, substitution: Substitution
) -> None:
    other_release = re.sub(substitution.pattern, "elsewhere(", source, flags=re.DOTALL)
    with pytest.raises(BundleError, match=f"“{substitution.name}”"):
        adapt(other_release)


@pytest.mark.parametrize(
    "forbidden",
    ["new WebAssembly.Module(", "WebAssembly.instantiate(", "Date.now", "crypto.getRandomValues(", "=eval("],
)
def test_nothing_that_workerd_forbids_is_left(source: str, forbidden: str) -> None:
    assert forbidden in source
    assert forbidden not in adapt(source)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle that was built here."""
    return build_bundle(PACKAGE, tmp_path_factory.mktemp("runtime"))


def test_the_bundle_holds_the_three_internal_modules(built: Path) -> None:
    prefix = "pyodideRuntime-internal:"
    with capnp.load(str(SCHEMA)).Bundle.from_bytes(
        (built / FILE_NAME).read_bytes(), traversal_limit_in_words=2**24
    ) as bundle:
        modules = [(module.name, module.which(), str(module.type)) for module in bundle.modules]
        library = bytes(bundle.modules[2].data)
    assert modules == [
        (f"{prefix}pyodide.asm", "src", "internal"),
        (f"{prefix}pyodide.asm.wasm", "wasm", "internal"),
        (f"{prefix}python_stdlib.zip", "data", "internal"),
    ]
    with ZipFile(PACKAGE / "python_stdlib.zip") as released, ZipFile(BytesIO(library)) as bundled:
        sources = {name: released.read(name) for name in released.namelist() if name.endswith(".py")}
        assert {name: bundled.read(name) for name in sources} == sources
        assert "json/decoder.pyc" in bundled.namelist(), "the library is compiled at each start"


def test_the_same_inputs_are_built_once(built: Path) -> None:
    written = (built / FILE_NAME).stat()
    assert build_bundle(PACKAGE, built.parent) == built
    assert (built / FILE_NAME).stat().st_mtime_ns == written.st_mtime_ns
    assert [file.name for file in built.iterdir()] == [FILE_NAME]
    assert list(built.parent.iterdir()) == [built]


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="install the JavaScript packages"):
        build_bundle(tmp_path / "pyodide", tmp_path)
