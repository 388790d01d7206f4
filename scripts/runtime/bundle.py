"""Builds the Pyodide bundle that workerd would otherwise download, out of the npm package `pyodide`.

workerd reads `pyodide_<id>.capnp.bin` from the folder given as `--pyodide-bundle-disk-cache-dir` and checks every released
id against a built-in hash, except the id `dev`, which the flag `python_workers_development` selects.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import capnp

from scripts.runtime import bytecode
from scripts.runtime.services import ROOT

PACKAGE = ROOT / "node_modules" / "pyodide"
CACHE = ROOT / ".dotdo" / "runtime"
SCHEMA = Path(__file__).with_name("bundle.capnp")
FILE_NAME = "pyodide_dev.capnp.bin"
SOURCE, WASM, STDLIB = "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"


class BundleError(Exception):
    """The bundle cannot be built; the message names the file or the substitution and what to do."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """What workerd forbids in Pyodide's JavaScript and what it offers instead."""

    name: str
    pattern: str
    replacement: str


# The names come from the import in PRELUDE. workerd patches its own Pyodide builds at the same places.
SUBSTITUTIONS = (
    Substitution("module compilation", r"\bnew WebAssembly\.Module\(", "newWasmModule("),
    Substitution("module instantiation", r"\bWebAssembly\.instantiate\(", "wasmInstantiate("),
    Substitution("clock", r"\bDate\.now\b", "monotonicDateNow"),
    Substitution("entropy", r"\bcrypto\.getRandomValues\(", "getRandomValues(Module,"),
    Substitution("direct eval", r"(?<![\w$.])eval\(", "refuseEval("),
    Substitution(
        "library lookup",
        r"function loadLibData\(\)\{.*?\}(?=function getExports\(\))",
        "function loadLibData(){const library=patchedLoadLibData(Module,libName,flags.rpath);"
        "return flags.loadAsync?Promise.resolve(library):library}",
    ),
    Substitution("library memory", r"(?<![\w$.])getMemory\(", "Module.getMemoryPatched(Module,libName,"),
)

PRELUDE = """\
import { addEventListener, getRandomValues, location, monotonicDateNow, newWasmModule, patchedLoadLibData, wasmInstantiate }
  from "pyodide-internal:builtin_wrappers";
function refuseEval() { throw new Error("Pyodide tried to evaluate JavaScript text, which Workers forbid"); }
"""
EPILOGUE = "\nexport { _createPyodideModule };\n"


def build_bundle(package: Path = PACKAGE, cache: Path = CACHE) -> Path:
    """The folder for `--pyodide-bundle-disk-cache-dir`, built unless the same inputs were built before.

    `package` is the folder of the npm package, `cache` where bundles are kept by the digest of their inputs. Raises
    BundleError when the package is missing or no longer has what a substitution looks for, BytecodeError when it does not run.
    """
    folder = cache / _digest(package)
    if not (folder / FILE_NAME).exists():
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache) as name:
            library = Path(name) / STDLIB
            bytecode.compile_library(package, package / STDLIB, library)
            _write_atomically(folder / FILE_NAME, _encode(package, library))
    return folder


def adapt(source: str) -> str:
    """Pyodide's main module as workerd can load it. Raises BundleError naming a substitution that matched nothing."""
    for substitution in SUBSTITUTIONS:
        source, matches = re.subn(substitution.pattern, substitution.replacement, source, flags=re.DOTALL)
        if not matches:
            raise BundleError(
                f"{SOURCE} has nothing to substitute for “{substitution.name}” ({substitution.pattern}): this release of "
                "pyodide differs from the one the recipe was written for. Adapt SUBSTITUTIONS in scripts/runtime/bundle.py"
            )
    return PRELUDE + source + EPILOGUE


def _digest(package: Path) -> str:
    """Names the inputs: the package's files and this recipe."""
    digest = hashlib.sha256()
    recipe = (SCHEMA, Path(__file__), bytecode.SCRIPT, bytecode.JOB)
    for file in (*(package / name for name in ("package.json", SOURCE, WASM, STDLIB)), *recipe):
        try:
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except FileNotFoundError as error:
            raise BundleError(f"{file} is missing: install the JavaScript packages (pnpm install)") from error
    return digest.hexdigest()[:16]


def _encode(package: Path, library: Path) -> bytes:
    schema = capnp.load(str(SCHEMA))
    bundle = schema.Bundle.new_message()
    modules = bundle.init("modules", 3)
    contents = (
        ("pyodide.asm", "src", adapt((package / SOURCE).read_text()).encode()),
        ("pyodide.asm.wasm", "wasm", (package / WASM).read_bytes()),
        (STDLIB, "data", library.read_bytes()),
    )
    for module, (name, kind, content) in zip(modules, contents, strict=True):
        module.name = f"pyodideRuntime-internal:{name}"
        module.type = "internal"
        setattr(module, kind, content)
    encoded: bytes = bundle.to_bytes()
    return encoded


def _write_atomically(file: Path, content: bytes) -> None:
    partial = file.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(file)
