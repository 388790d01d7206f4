"""What runs in Pyodide to compile: `JOB` is the job as JSON, the files of the machine are below /host.

The bytecode never looks at its source again (an unchecked hash): whoever hands it out has compared the two.
"""

import compileall
import json
import py_compile
import shutil
from pathlib import Path

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH

job = json.loads(JOB)  # type: ignore[name-defined]  # noqa: F821

for source, target in job["modules"]:
    try:
        py_compile.compile(f"/host{source}", f"/host{target}", doraise=True, invalidation_mode=UNCHECKED)
    except py_compile.PyCompileError:
        continue  # the runtime says what is wrong with it, with the Worker's name

if job["library"]:
    source, target = job["library"]
    library = Path("/library")
    shutil.unpack_archive(f"/host{source}", library, "zip")
    compileall.compile_dir(
        library, quiet=2, legacy=True, invalidation_mode=UNCHECKED, stripdir=library, prependdir=job["mounted"]
    )
    shutil.move(shutil.make_archive("/compiled", "zip", library), f"/host{target}")
