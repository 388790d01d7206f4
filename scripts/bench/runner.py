"""Runs the platform with the peers beside it and drives every target in turn, round after round."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from scripts.bench.areas import Prepare
from scripts.bench.figures import Figure
from scripts.bench.load import Round, first_answer, load
from scripts.bench.peers import Peers
from scripts.runtime.services import ROOT
from scripts.stack.configuration import LOCAL_LIMITS
from scripts.stack.ports import Ports, free_ports
from scripts.stack.secrets import local_secrets
from scripts.stack.stack import Stack
from scripts.stores.neon import Neon
from scripts.stores.postgres import Postgres

DATA = ROOT / ".dotdo" / "bench"

Rounds = dict[str, list[Round]]
"""By the name of the target."""


async def measure(areas: Sequence[Prepare], rounds: int, seconds: int, console: Console) -> tuple[Rounds, list[Figure]]:
    """The rounds of each target, interleaved, and the figures to make of them."""
    ports = free_ports()
    peers = Peers(_variables(DATA, ports))
    stack = Stack(DATA, ports, extra_workers=peers.workers())
    info = await stack.start()
    try:
        prepared = [await prepare(info, peers) for prepare in areas]
        targets = [target for area in prepared for target in area.targets]
        for target in targets:
            await first_answer(target)
            await load(target, 1)
        results: Rounds = {target.name: [] for target in targets}
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("measuring", total=rounds * len(targets))
            for _ in range(rounds):
                for target in targets:
                    results[target.name].append(await load(target, seconds))
                    progress.advance(bar)
        return results, [figure for area in prepared for figure in area.figures]
    finally:
        await stack.stop()


def _variables(data: Path, ports: Ports) -> dict[str, str]:
    """What the peers need: where the stores will be, the secret that identities are signed with, a limit out of reach."""
    secrets = local_secrets(data)
    postgres = Postgres(data / "postgres", ports.postgres, data / "logs" / "postgres.log", secrets["POSTGRES_PASSWORD"])
    neon = Neon(ports.neon, postgres.url, data / "logs" / "neon.log")
    return {
        "DATABASE_URL": postgres.url,
        "NEON_HTTP_ENDPOINT": neon.url,
        "INTERNAL_SECRET": secrets["INTERNAL_SECRET"],
        "RATE_LIMITS": LOCAL_LIMITS,
    }
