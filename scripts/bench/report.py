"""What was measured, for people on the console and for programs in `bench/results.json`."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from scripts.bench.figures import Figure
from scripts.bench.runner import Rounds
from scripts.runtime.services import ROOT

RESULTS = ROOT / "bench" / "results.json"


def medians(rounds: Rounds) -> dict[str, float]:
    """Calls per second by target."""
    return {name: statistics.median(one.requests_per_s for one in rows) for name, rows in rounds.items()}


def show(rounds: Rounds, figures: Sequence[Figure], console: Console) -> None:
    rates = medians(rounds)
    paths = Table("path", "calls/s", "lowest … highest", "ms a call", "p99 ms")
    for name, rows in rounds.items():
        all_rates = [one.requests_per_s for one in rows]
        paths.add_row(
            name,
            f"{rates[name]:.0f}",
            f"{min(all_rates):.0f} … {max(all_rates):.0f}",
            f"{1000 / rates[name]:.2f}",
            f"{statistics.median(one.p99_ms for one in rows):.1f}",
        )
    console.print(paths)
    made = Table("figure", "value", "to reach", "")
    for figure in figures:
        value = figure.value(rates)
        verdict = "" if not figure.goal else "reached" if figure.reached(value) else "[bold red]missed[/bold red]"
        made.add_row(figure.name, f"[bold]{value:,.3g}[/bold]" if value < 1000 else f"[bold]{value:,.0f}[/bold]",
                     figure.goal, verdict)  # fmt: skip
    console.print(made)
    console.print("[dim]Medians over the rounds; a p99 is of a whole request, which may make several calls.[/dim]")


def write(rounds: Rounds, figures: Sequence[Figure]) -> None:
    rates = medians(rounds)
    raw = {name: [asdict(one) for one in rows] for name, rows in rounds.items()}
    ratios = {figure.name: round(figure.value(rates), 3) for figure in figures}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"rounds": raw, "medians": rates, "ratios": ratios}, indent=2) + "\n")
