"""A memory snapshot of the started interpreter, so that each isolate does not start it anew.

workerd writes one for a Worker that imports nothing and loads it into every Worker of later runs: four Workers are up in a
third of the time. Production does the same at deploy. Nothing random is in it: each isolate draws its own entropy afterwards.
"""

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

from scripts.runtime.bundle import BundleError

_WRITTEN = "snapshot.bin"
TIMEOUT_S = 60

_CONFIGURATION = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "empty", worker = .empty)]);
const empty :Workerd.Worker = (
  modules = [(name = "empty.py", pythonModule = "")],
  compatibilityDate = "{date}",
  compatibilityFlags = [{flags}],
);
"""


def build_snapshot(workerd: Path, bundle: Path, date: str, flags: tuple[str, ...]) -> Path:
    """Writes it beside the bundle unless it is there: one for each release of workerd, date and set of flags.

    Raises BundleError when workerd writes none.
    """
    version = json.loads((workerd.parents[1] / "package.json").read_text())["version"]
    digest = hashlib.sha256(" ".join((date, *flags)).encode()).hexdigest()[:12]
    snapshot = bundle / f"snapshot-{version.replace('.', '-')}-{digest}.bin"
    if snapshot.exists():
        return snapshot
    with tempfile.TemporaryDirectory(dir=bundle) as folder:
        configuration = Path(folder) / "empty.capnp"
        configuration.write_text(_CONFIGURATION.format(date=date, flags=", ".join(f'"{flag}"' for flag in flags)))
        command = [
            str(workerd), "serve", "--experimental", f"--pyodide-bundle-disk-cache-dir={bundle}",
            f"--python-snapshot-dir={folder}", "--python-save-baseline-snapshot", str(configuration),
        ]  # fmt: skip
        # The exit code is not looked at: an empty Worker has no handler, and workerd says so after it has written the file.
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        written = Path(folder) / _WRITTEN
        if not written.exists():
            raise BundleError(f"workerd wrote no snapshot of the interpreter:\n{result.stderr.strip()[-2000:]}")
        written.rename(snapshot)
    return snapshot
