"""The real pywrangler and wrangler, run on one Worker's folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from scripts.deploy.table import PLATFORM, Environment
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT
from scripts.stack.node import node, npm_cli

TIMEOUT_S = 300
TIMED_OUT = 124

Peers = Literal["services", "dispatch"]
"""How the Workers find each other: by service bindings, or by name in the dispatch namespace."""

_STYLE = re.compile(r"\x1b\[[0-9;]*m")

LOGS = ROOT / ".dotdo" / "wrangler"

# A Worker's upload in what wrangler says, and what follows it up to the next request: its answer, if there was one.
_SENT = re.compile(
    r"CF API REQUEST: (?:PUT|POST) \S+/scripts/[^/\s]+(?:/versions)?\n(.*?)(?=CF API REQUEST: |\Z)", re.DOTALL
)
_REFUSED = re.compile(r"CF API RESPONSE: .*\b4\d\d$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool said, its standard output and error together, and the file that keeps it."""

    code: int
    output: str
    log: Path

    @property
    def nothing_sent(self) -> bool:
        """The Worker certainly did not arrive: it was not sent at all, or refused each time."""
        return self.code != TIMED_OUT and all(_REFUSED.search(after) for after in _SENT.findall(self.output))

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def reason(self) -> str:
        """The lines of the error, without tables and adverts."""
        lines = [_STYLE.sub("", line).strip() for line in self.output.splitlines()]
        at = next((n for n, line in enumerate(lines) if "ERROR" in line), max(len(lines) - 8, 0))
        return "\n".join(line for line in lines[at : at + 6] if line)


def upload(
    folder: Path,
    service: str,
    environment: Environment,
    *,
    dry_run: bool,
    secrets: Path | None,
    peers: Peers = "services",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    """Sends one Worker to where it belongs: into the namespace, `dispatch` to the account itself.

    `variables` take the place of those in wrangler.jsonc, which are production's.
    """
    options = [part for name, value in variables.items() for part in ("--var", f"{name}:{value}")]
    if service != "dispatch" and peers == "dispatch":
        with _found_by_dispatch(folder, environment) as configuration:
            options += ["--config", configuration.name]
            return _upload(folder, service, environment, options, dry_run, secrets)
    return _upload(folder, service, environment, options, dry_run, secrets)


@contextmanager
def _found_by_dispatch(folder: Path, environment: Environment) -> Iterator[Path]:
    """That configuration as a file beside the Worker's own."""
    found = found_by_dispatch(read_configuration(folder / "wrangler.jsonc"), environment)
    file = folder / "wrangler.dispatch.json"
    file.write_text(json.dumps(found, indent=2))
    try:
        yield file
    finally:
        file.unlink()


def found_by_dispatch(configuration: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    """A Worker's configuration with a dispatch binding in place of the service bindings to Workers of this platform."""
    others = [row for row in configuration.get("services", []) if row["binding"] not in PLATFORM]
    namespace = {"binding": "DISPATCH", "namespace": environment.namespace}
    own = {name: value for name, value in configuration.items() if name != "$schema"}
    return {**own, "services": others, "dispatch_namespaces": [namespace]}


def _upload(
    folder: Path, service: str, environment: Environment, options: list[str], dry_run: bool, secrets: Path | None
) -> Outcome:
    if service == "dispatch":
        command = [*_wrangler(), "deploy", "--env", environment.name]
    else:
        command = [*_pywrangler(), "deploy", "--dispatch-namespace", environment.namespace]
    command += options
    if secrets is not None:
        command += ["--secrets-file", str(secrets)]
    if dry_run:
        command += ["--dry-run", "--outdir", str(ROOT / "dist" / service)]
        shutil.rmtree(ROOT / "dist" / service, ignore_errors=True)
    return _run(command, folder, LOGS / f"{environment.name}-{service}.log")


def _run(command: Sequence[str], folder: Path, log: Path) -> Outcome:
    try:
        result = subprocess.run(
            command, cwd=folder, env=_variables(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        code, output = result.returncode, result.stdout
    except subprocess.TimeoutExpired as stopped:
        said = (stopped.output or b"").decode("utf-8", "replace")
        code, output = TIMED_OUT, f"{said}\nERROR no end after {TIMEOUT_S} s\n"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(output)
    return Outcome(code, output, log)


def _pywrangler() -> list[str]:
    return [sys.executable, "-m", "pywrangler"]


def _wrangler() -> list[str]:
    return [str(node()), str(ROOT / "node_modules" / "wrangler" / "bin" / "wrangler.js")]


def _variables() -> Mapping[str, str]:
    """pywrangler asks for `npx`, `node` and `uv` by name: they are found first in a folder of ours.

    wrangler says every request it makes. It does so on its standard output, which is whole when it ends: the file of its
    own that could hold the same is written beside, and lacks what was under way.
    """
    path = os.pathsep.join([str(_tool_folder()), sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    return {
        **os.environ,
        "PATH": path,
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_LOG": "debug",  # requests and answers, without what is in them
        "WRANGLER_LOG_SANITIZE": "true",
        "WRANGLER_WRITE_LOGS": "false",
        "CI": "true",  # ask nothing
        "NO_COLOR": "1",
    }


def _tool_folder() -> Path:
    """`npx` of the Node wheel does not start by itself, hence a script that starts it."""
    folder = ROOT / ".dotdo" / "tools" / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    npx = npm_cli().with_name("npx-cli.js")
    for name, command in (("npx", f'"{node()}" "{npx}"'), ("node", f'"{node()}"')):
        script = folder / name
        partial = folder / f"{name}.{os.getpid()}"
        partial.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        partial.chmod(0o755)
        partial.rename(script)
    return folder
