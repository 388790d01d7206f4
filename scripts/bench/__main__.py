"""`make bench`: the request paths and their floors in one run, interleaved, as ratios.

Runs on workerd directly. Absolute numbers are this machine's; what can be compared is the ratios.
"""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from scripts.bench.areas import Prepare, gateway
from scripts.bench.auth import auth
from scripts.bench.cold import cold_starts
from scripts.bench.db import db
from scripts.bench.report import README, RESULTS, show, write
from scripts.bench.runner import Results, measure
from scripts.bench.schedule import schedule
from scripts.runtime.services import ROOT

AREAS: dict[str, Prepare] = {"gateway": gateway, "db": db, "auth": auth, "schedule": schedule}
COLD = "cold"
ALL = (*AREAS, COLD)


def main(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Interleaved rounds of each path.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, max=30, help="Length of a round.")] = 2,
    area: Annotated[
        list[str] | None, typer.Option(help=f"Only this one of: {', '.join(ALL)}. May be repeated. Writes no file.")
    ] = None,
) -> None:
    """Measure the request paths against their floors, in one run.

    Example: make bench ARGS="--area gateway --rounds 3"
    """
    unknown = [name for name in area or () if name not in ALL]
    if unknown:
        raise typer.BadParameter(f"no area {unknown[0]!r}; one of: {', '.join(ALL)}")
    console = Console(highlight=False)
    results = asyncio.run(_run(set(area or ALL), rounds, seconds, console))
    show(results, console)
    if not area:
        write(results)
        console.print(f"[dim]All of it: {RESULTS.relative_to(ROOT)}; the table is in {README.relative_to(ROOT)}[/dim]")


async def _run(wanted: set[str], rounds: int, seconds: int, console: Console) -> Results:
    loaded = {name: prepare for name, prepare in AREAS.items() if name in wanted}
    results = await measure(loaded, rounds, seconds, console) if loaded else Results()
    if COLD in wanted:
        await cold_starts(rounds, results, console)
    return results


if __name__ == "__main__":
    typer.run(main)
