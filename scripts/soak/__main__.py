"""`make soak`: half an hour of mixed load with a fault each minute; everything that was acknowledged is read back in the end.

Everything runs on 127.0.0.1, on a stack of its own below .dotdo/soak, with at most 200 operations a second.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from scripts.pages import put_between_marks
from scripts.runtime.services import ROOT
from scripts.soak.page import PAGE, paragraph
from scripts.soak.report import RESULTS, as_values, memory_findings, show, write
from scripts.soak.run import Plan, soak
from scripts.stack.process import StartError


def main(
    minutes: Annotated[float, typer.Option(min=1, max=240, help="How long the load goes on.")] = 30,
    every: Annotated[float, typer.Option(min=4, max=600, help="Seconds from one fault to the next.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed of the order of operations.")] = 1,
    data: Annotated[Path, typer.Option(help="Where the stack keeps its data, which is emptied first.")] = ROOT
    / ".dotdo"
    / "soak",
    report: Annotated[Path, typer.Option(help="Where the report is written.")] = RESULTS,
) -> None:
    """Put the platform under load, break what it stands on again and again, and see that nothing is lost.

    Example: make soak ARGS="--minutes 2 --every 12"
    """
    console = Console(highlight=False)
    plan = Plan(minutes, every_s=every, seed=seed)
    try:
        outcome = asyncio.run(
            soak(plan, data.resolve(), lambda line: console.print(line, style="dim", markup=False, soft_wrap=True))
        )
    except StartError as error:
        console.print(f"[bold red]Not started.[/bold red] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(2) from None
    outcome.findings += memory_findings(outcome)
    values = as_values(outcome)
    write(values, report)
    if report == RESULTS:
        put_between_marks(PAGE, "soak", paragraph(values))
    show(values, console)
    raise typer.Exit(1 if outcome.findings else 0)


if __name__ == "__main__":
    typer.run(main)
