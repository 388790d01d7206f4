"""`make audit`: known vulnerabilities of every package that a lock names.

Python packages are looked up at OSV (https://osv.dev, where PyPI's advisories are kept), JavaScript packages by pnpm at the
registry. Where one of them is not offered, the audit says so: that is neither a failure nor a pass.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape

from scripts.bootstrap import TOOLS
from scripts.runtime.services import ROOT
from scripts.stack.node import node

OSV = "https://api.osv.dev"
PNPM = TOOLS / "node_modules" / "pnpm" / "bin" / "pnpm.mjs"
AT_ONCE = 500
TIMEOUT_S = 60

ACCEPTED: dict[str, str] = {}
"""By id of an advisory: why it does not concern us."""

REMEDY = (
    "  → Take a version without it: CONTRIBUTING.md, “Upgrading”, says where each is named. Then run `make lock`, `make test` "
    "and this again.\n"
    "  → If it does not concern us, put its id and the reason into ACCEPTED in scripts/audit.py."
)

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    package: str
    id: str
    title: str


class NotOffered(Exception):
    """The service that knows does not answer here. The message says which and why."""


def locked() -> list[tuple[str, str]]:
    """Name and version of every Python package of every lock."""
    texts = [lock.read_text() for lock in sorted((ROOT / "locks").glob("*.txt"))]
    return sorted({pair for text in texts for pair in _LOCKED.findall(text)})


def python_packages(osv: str = OSV) -> list[Finding]:
    """Raises NotOffered."""
    packages = locked()
    try:
        with httpx.Client(base_url=osv, timeout=TIMEOUT_S) as client:
            return [
                Finding(f"{name} {version}", id, _title(client, id))
                for start in range(0, len(packages), AT_ONCE)
                for name, version, id in _known(client, packages[start : start + AT_ONCE])
            ]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise NotOffered(f"OSV does not answer ({type(error).__name__})") from error


def _known(client: httpx.Client, packages: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    queries = [{"package": {"ecosystem": "PyPI", "name": name}, "version": version} for name, version in packages]
    answer = client.post("/v1/querybatch", json={"queries": queries}).raise_for_status().json()
    for (name, version), result in zip(packages, answer["results"], strict=True):
        for one in result.get("vulns", ()):
            yield name, version, one["id"]


def _title(client: httpx.Client, id: str) -> str:
    return str(client.get(f"/v1/vulns/{id}").raise_for_status().json().get("summary", ""))


def javascript_packages(registry: str = "") -> list[Finding]:
    """Raises NotOffered."""
    command = [str(node()), str(PNPM), "audit", "--json", *(["--registry", registry] if registry else [])]
    environment = {
        **os.environ,
        "CI": "true",
        "pnpm_config_fetch_retries": "1",
        "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}",
    }
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    try:
        advisories: dict[str, dict[str, Any]] = json.loads(ran.stdout)["advisories"]
    except (ValueError, KeyError, TypeError) as error:
        said = re.search(r"ERR_PNPM_\w+", ran.stdout + ran.stderr)
        raise NotOffered(f"the npm registry's audit does not answer ({said[0] if said else 'no JSON'})") from error
    return [
        Finding(one["module_name"], str(one.get("github_advisory_id") or one.get("id")), one["title"])
        for one in advisories.values()
    ]


AUDITS: dict[str, Callable[[], list[Finding]]] = {"Python": python_packages, "JavaScript": javascript_packages}


def report(audits: dict[str, Callable[[], list[Finding]]], console: Console) -> bool:
    """Whether nothing was found that is not accepted; what to do about it, if so. In GitHub's log, what could not be asked is a
    warning.
    """
    clean = True
    for name, audit in audits.items():
        try:
            findings = audit()
        except NotOffered as error:
            console.print(f"  [yellow]?[/yellow] {name}: not available here: {escape(str(error))}", soft_wrap=True)
            if os.environ.get("GITHUB_ACTIONS"):
                print(f"::warning title=Audit of {name} packages::not available: {error}")
            continue
        open_ones = [one for one in findings if one.id not in ACCEPTED]
        clean &= not open_ones
        mark = "[red]✗[/red]" if open_ones else "[green]✓[/green]"
        console.print(f"  {mark} {name}: {len(open_ones)} known vulnerabilities")
        for one in open_ones:
            console.print(f"      {one.package}: {one.id} {one.title}", markup=False, soft_wrap=True)
    if not clean:
        console.print(REMEDY, markup=False, soft_wrap=True)
    return clean


def main(
    only: Annotated[str, typer.Option(help=f"Only this one of: {', '.join(AUDITS)}.")] = "",
) -> None:
    """Look up every locked package. Exit code 1 for a known vulnerability that is not accepted.

    Example: make audit ARGS="--only Python"
    """
    if only and only not in AUDITS:
        raise typer.BadParameter(f"no audit {only!r}; one of: {', '.join(AUDITS)}")
    chosen = {name: audit for name, audit in AUDITS.items() if only in ("", name)}
    raise typer.Exit(0 if report(chosen, Console(highlight=False)) else 1)


if __name__ == "__main__":
    typer.run(main)
