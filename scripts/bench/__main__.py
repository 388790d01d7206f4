"""`make bench`: the request paths and their floors in one run, interleaved, as ratios.

Runs on workerd directly. Absolute numbers are this machine's; what can be compared is the ratios.
"""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from scripts.bench.areas import Prepare, gateway
from scripts.bench.auth import auth
from scripts.bench.db import db
from scripts.bench.report import RESULTS, show, write
from scripts.bench.runner import measure
from scripts.bench.schedule import schedule
from scripts.runtime.services import ROOT

AREAS: dict[str, Prepare] = {"gateway": gateway, "db": db, "auth": auth, "schedule": schedule}


def main(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Interleaved rounds of each path.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, max=30, help="Length of a round.")] = 3,
    area: Annotated[
        list[str] | None, typer.Option(help=f"Only this one of: {', '.join(AREAS)}. Writes no file.")
    ] = None,
) -> None:
    """Measure the request paths against their floors, in one run."""
    unknown = [name for name in area or () if name not in AREAS]
    if unknown:
        raise typer.BadParameter(f"no area {unknown[0]!r}")
    console = Console(highlight=False)
    results, figures = asyncio.run(measure([AREAS[name] for name in area or AREAS], rounds, seconds, console))
    show(results, figures, console)
    if not area:
        write(results, figures)
        console.print(f"[dim]All of it: {RESULTS.relative_to(ROOT)}[/dim]")


if __name__ == "__main__":
    typer.run(main)
