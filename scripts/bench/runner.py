"""Runs the platform with the peers beside it and drives every target in turn, round after round.

What goes wrong with one target or area is written down, and the rest goes on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
from rich.console import Console
from rich.progress import Progress

from dotdo import jws
from dotdo.identity import ISSUER, TYPE
from scripts.bench.areas import Area, Prepare
from scripts.bench.figures import Figure
from scripts.bench.load import Round, RoundError, Target, first_answer, load
from scripts.bench.peers import Peers
from scripts.bench.runtime import Runtime, runtime_below
from scripts.runtime.services import ROOT
from scripts.stack.configuration import LOCAL_LIMITS
from scripts.stack.ports import Ports, free_ports
from scripts.stack.secrets import local_secrets
from scripts.stack.stack import Stack
from scripts.stores.neon import Neon
from scripts.stores.postgres import Postgres

DATA = ROOT / ".dotdo" / "bench"

# What a Worker under load, or one that does not work, may answer with.
_FAULTS = (RoundError, httpx.HTTPError, psycopg.Error, KeyError, ValueError, OSError)


@dataclass
class Results:
    """`rounds` by target, None for one that failed; `failures` by target or area: what went wrong first."""

    rounds: dict[str, list[Round | None]] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def fail(self, name: str, error: Exception) -> None:
        self.failures.setdefault(name, f"{type(error).__name__}: {error}"[:500])


async def measure(areas: Mapping[str, Prepare], rounds: int, seconds: int, console: Console) -> Results:
    """The rounds of each target, interleaved, and the figures to make of them."""
    results = Results()
    ports = free_ports()
    secrets = local_secrets(DATA)
    peers = Peers(_variables(DATA, ports, secrets), secrets)
    stack = Stack(DATA, ports, extra_workers=peers.workers())
    console.print("[dim]Starting the platform and the peers …[/dim]")
    info = await stack.start()
    try:
        runtime = runtime_below(info["pid"])
        targets: list[Target] = []
        for name, prepare in areas.items():
            try:
                area: Area = await prepare(info, peers)
            except _FAULTS as error:
                results.fail(name, error)
                continue
            targets += area.targets
            results.figures += area.figures
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("measuring", total=(rounds + 1) * len(targets))
            await _round(targets, 1, runtime, results, warm_up=True)
            progress.advance(bar, len(targets))
            for _ in range(rounds):
                await _round(targets, seconds, runtime, results)
                progress.advance(bar, len(targets))
    finally:
        await stack.stop()
    return results


async def _round(
    targets: Sequence[Target], seconds: int, runtime: Runtime, results: Results, *, warm_up: bool = False
) -> None:
    for target in targets:
        done: Round | None = None
        try:
            if warm_up:
                await first_answer(target)
            done = await load(target, seconds, runtime)
        except _FAULTS as error:
            results.fail(target.name, error)
        if not warm_up:
            results.rounds.setdefault(target.name, []).append(done)


def _variables(data: Path, ports: Ports, secrets: Mapping[str, str]) -> dict[str, str]:
    """What the peers need: where the stores will be, what identities are signed with, a limit out of reach."""
    postgres = Postgres(data / "postgres", ports.postgres, data / "logs" / "postgres.log", secrets["POSTGRES_PASSWORD"])
    neon = Neon(ports.neon, postgres.url, data / "logs" / "neon.log")
    return {
        "DATABASE_URL": postgres.url,
        "NEON_HTTP_ENDPOINT": neon.url,
        "INTERNAL_SECRET": secrets["INTERNAL_SECRET"],
        "RATE_LIMITS": LOCAL_LIMITS,
        "IDENTITY": _identity(secrets["INTERNAL_SECRET"].encode()),
    }


def _identity(secret: bytes) -> str:
    """A caller that db believes for the whole run, where the gateway signs one for a minute."""
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": "db", "iat": now, "exp": now + 24 * 3600, "rid": "bench", "sub": "usr_viewer",
        "kind": "user", "role": "viewer", "org": "", "permissions": ["things:read"], "kid": "", "sid": "",
    }  # fmt: skip
    return jws.sign(claims, secret, TYPE)
