"""What was measured: for people on the console and in the README, for programs in `bench/results.json`."""

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scripts.bench.figures import Figure, median_of, per_cpu_second
from scripts.bench.load import Round
from scripts.bench.runner import Results
from scripts.pages import put_between_marks
from scripts.runtime.services import ROOT

RESULTS = ROOT / "bench" / "results.json"
README = ROOT / "README.md"


@dataclass(frozen=True, slots=True)
class Made:
    """A figure of the run. `in_cpu` is the same ratio in processor time of the runtime; None for what is no ratio."""

    figure: Figure
    value: float | None
    in_cpu: float | None

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "failed"
        if not self.figure.goal:
            return ""
        return "reached" if self.figure.reached(self.value) else "missed"


def made(results: Results) -> list[Made]:
    return [
        Made(
            figure,
            median_of(figure, results.rounds),
            median_of(figure, results.rounds, per_cpu_second) if figure.is_ratio else None,
        )
        for figure in results.figures
    ]


def medians(results: Results, of: Callable[[Round], float]) -> dict[str, float]:
    """By target, over the rounds that went well; without those that never did."""
    values = {name: [of(one) for one in rows if one] for name, rows in results.rounds.items()}
    return {name: statistics.median(found) for name, found in values.items() if found}


def show(results: Results, console: Console) -> None:
    rates, cpu = medians(results, _rate), medians(results, _cpu_ms)
    late, memory = medians(results, lambda one: one.p99_ms), medians(results, lambda one: one.memory_mb)
    paths = Table("path", "calls/s", "lowest … highest", "ms a call", "p99 ms", "CPU ms a call", "MB")
    for name, rate in rates.items():
        found = [one.requests_per_s for one in results.rounds[name] if one]
        paths.add_row(
            name, _number(rate), f"{_number(min(found))} … {_number(max(found))}", f"{1000 / rate:.2f}", f"{late[name]:.1f}",
            f"{cpu[name]:.2f}", f"{memory[name]:.0f}" if memory[name] else "",
        )  # fmt: skip
    console.print(paths)
    figures = Table("figure", "value", "in CPU time", "to reach", "")
    for one in made(results):
        colour = "bold red" if one.verdict in ("missed", "failed") else "green"
        verdict = f"[{colour}]{one.verdict}[/{colour}]" if one.verdict else ""
        figures.add_row(one.figure.name, _number(one.value), _number(one.in_cpu), one.figure.goal, verdict)
    console.print(figures)
    for name, reason in results.failures.items():
        console.print(f"[bold red]failed[/bold red] {name}: {escape(reason)}", markup=True, highlight=False)
    console.print(
        "[dim]Medians over the rounds, of a ratio the median of each round's. A p99 is of a whole request, which may make "
        "several calls. CPU is the time of the runtime's process, whatever else the machine does.[/dim]"
    )


def write(results: Results) -> None:
    """`bench/results.json`, and the table in the README."""
    figures = made(results)
    document = {
        "machine": _machine(),
        "rounds": {name: [asdict(one) if one else None for one in rows] for name, rows in results.rounds.items()},
        "medians": medians(results, _rate),
        "cpu_ms": medians(results, _cpu_ms),
        "ratios": {one.figure.name: _rounded(one.value) for one in figures},
        "ratios_in_cpu_time": {one.figure.name: _rounded(one.in_cpu) for one in figures if one.figure.is_ratio},
        "goals": {one.figure.name: one.figure.goal for one in figures if one.figure.goal},
        "failures": results.failures,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    put_between_marks(README, "bench", "\n".join(_markdown(results, figures)))


def _markdown(results: Results, figures: list[Made]) -> Iterator[str]:
    """What has a goal is seen at once; the rest opens."""
    yield from _table([one for one in figures if one.figure.goal])
    machine = _machine()
    rounds = max(map(len, results.rounds.values()), default=0)
    yield f"{machine['date']}, {machine['cores']} cores, {rounds} interleaved rounds; every value is a median."
    yield ""
    yield "<details><summary>Figures without a goal, and what each path takes</summary>"
    yield ""
    yield from _table([one for one in figures if not one.figure.goal])
    rates, cpu = medians(results, _rate), medians(results, _cpu_ms)
    yield "| path | calls/s | CPU ms a call |"
    yield "|---|---|---|"
    for name, rate in rates.items():
        yield f"| {name} | {_number(rate)} | {cpu[name]:.2f} |"
    yield ""
    yield "</details>"


def _table(figures: list[Made]) -> Iterator[str]:
    yield "| figure | value | in CPU time | to reach | |"
    yield "|---|---|---|---|---|"
    for one in figures:
        name, goal = one.figure.name, one.figure.goal
        yield f"| `{name}` | {_number(one.value)} | {_number(one.in_cpu)} | {goal} | {one.verdict} |"
    yield ""


def _machine() -> dict[str, object]:
    return {"date": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count(), "machine": platform.machine()}


def _rate(one: Round) -> float:
    return one.requests_per_s


def _cpu_ms(one: Round) -> float:
    return one.cpu_ms


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
