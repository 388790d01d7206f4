"""Bytecode of local runs: made by the interpreter that runs it, for exactly the source it was made of."""

from pathlib import Path

import pytest

from scripts.runtime.bundle import PACKAGE
from scripts.runtime.bytecode import BytecodeError, compile_modules

PYTHON_3_14 = (3627).to_bytes(2, "little") + b"\r\n"
UNCHECKED_HASH = (1).to_bytes(4, "little")


def test_each_source_is_compiled_once_and_a_wrong_one_left_out(tmp_path: Path) -> None:
    source, cache = tmp_path / "src", tmp_path / "cache" / "bytecode"
    (source / "package").mkdir(parents=True)
    (source / "a.py").write_text("A = 1\n")
    (source / "package" / "same_as_a.py").write_text("A = 1\n")
    (source / "wrong.py").write_text("A = = 1\n")
    compile_modules(PACKAGE, cache, [source])
    (first,) = cache.iterdir()
    assert first.read_bytes().startswith(PYTHON_3_14 + UNCHECKED_HASH)
    written = first.stat()

    (source / "wrong.py").write_text("A = 2\n")
    compile_modules(PACKAGE, cache, [source])
    assert len(list(cache.iterdir())) == 2
    assert first.stat().st_ino == written.st_ino, "compiled again"
    assert list(cache.parent.iterdir()) == [cache]


def test_a_package_that_cannot_run_is_named_by_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("A = 1\n")
    with pytest.raises(BytecodeError, match="Cannot find module"):
        compile_modules(tmp_path / "pyodide", tmp_path / "cache", [tmp_path])
