"""What came of it, for people on the console and for programs in `bench/soak.json`."""

import json
import statistics
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scripts.runtime.services import ROOT
from scripts.soak.book import Book
from scripts.soak.faults import Window
from scripts.soak.load import Account
from scripts.soak.memory import Life
from scripts.soak.run import Outcome

RESULTS = ROOT / "bench" / "soak.json"
SHOWN = 30

FLAT_MIB_A_MINUTE = 1.0
"""A process of the runtime that has settled may grow by so much, measured over at least MEASURED_MINUTES of its life."""
MEASURED_MINUTES = 8.0


def memory_findings(outcome: Outcome) -> list[str]:
    """The lives of the runtime, of those long enough to tell, that grew."""
    return [
        f"memory: grew by {life.slope_mib_a_minute:.1f} MiB a minute over {life.minutes:.1f} minutes"
        for life in outcome.memory.lives
        if life.minutes >= MEASURED_MINUTES and life.slope_mib_a_minute > FLAT_MIB_A_MINUTE
    ]


def as_values(outcome: Outcome) -> dict[str, Any]:
    load = outcome.load
    return {
        "minutes": round(outcome.seconds / 60, 1),
        "capacity_per_s": round(outcome.capacity, 1),
        "rate_per_s": round(outcome.rate, 1),
        "operations": {name: _operation(one) for name, one in sorted(load.accounts.items())},
        "not_sent": load.not_sent,
        "faults": [_fault(one, load.windows[0].began_s) for one in load.windows],
        "written": _written(outcome.book),
        "cron": {
            "events": outcome.cron.delivered,
            "instants": len(outcome.cron.acknowledged),
            "attempts": outcome.runs,
        },
        "memory": [_life(one) for one in outcome.memory.lives],
        "wrong_answers": load.wrong_count,
        "findings": outcome.findings,
    }


def _operation(one: Account) -> dict[str, Any]:
    return {
        "done": one.done,
        "refused": dict(one.refused),
        "p50_ms": _quantile(one.times_ms, 0.5),
        "p99_ms": _quantile(one.times_ms, 0.99),
    }


def _fault(one: Window, began_s: float) -> dict[str, Any]:
    return {
        "fault": one.fault.name,
        "at_s": round(one.began_s - began_s, 1),
        "lasted_s": round(one.lifted_s - one.began_s, 2),
        "recovered_s": round(one.recovery_s, 2),
        "bound_s": one.fault.bound_s,
        "refused": dict(one.refused),
    }


def _written(book: Book) -> dict[str, int]:
    return {
        "acknowledged": book.acknowledged,
        "things": sum(1 for thing in book.things.values() if thing.known and not thing.gone),
        "deleted": sum(1 for thing in book.things.values() if thing.gone),
        "edges": len(book.edges),
        "events": sum(book.events.values()),
        "api_keys": len(book.keys),
        "sessions": len(book.sessions),
    }


def _life(one: Life) -> dict[str, float]:
    return {
        "minutes": round(one.minutes, 2),
        "first_mib": round(one.samples[0][1], 1),
        "last_mib": round(one.samples[-1][1], 1),
        "peak_mib": round(one.peak_mib, 1),
        "slope_mib_a_minute": round(one.slope_mib_a_minute, 3),
    }


def write(values: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def show(values: dict[str, Any], console: Console) -> None:
    made = Table("operation", "done", "refused in a fault", "p50 ms", "p99 ms", title="Load")
    for name, one in values["operations"].items():
        made.add_row(name, str(one["done"]), _told(one["refused"]), f"{one['p50_ms']:.0f}", f"{one['p99_ms']:.0f}")
    console.print(made)
    faults = Table("at s", "fault", "lasted s", "recovered s", "within s", "callers were told", title="Faults")
    for one in values["faults"]:
        faults.add_row(
            f"{one['at_s']:.0f}", one["fault"], f"{one['lasted_s']:.1f}", f"{one['recovered_s']:.1f}",
            f"{one['bound_s']:.0f}", _told(one["refused"]),
        )  # fmt: skip
    console.print(faults)
    memory = Table("minutes", "first MiB", "last MiB", "peak MiB", "MiB a minute", title="The runtime's memory")
    for life in values["memory"]:
        memory.add_row(*(f"{value:.1f}" for value in life.values()))
    console.print(memory)
    written = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in values["written"].items())
    console.print(f"Written: {written}.", soft_wrap=True)
    cron = values["cron"]
    console.print(
        f"Cron: {cron['events']} events for {cron['instants']} instants; attempts {cron['attempts']}.", soft_wrap=True
    )
    for finding in values["findings"][:SHOWN]:
        console.print(f"  [red]✗[/red] {escape(finding)}", soft_wrap=True)
    if len(values["findings"]) > SHOWN:
        console.print(f"  … and {len(values['findings']) - SHOWN} more")
    held = f"No lost write, no second run, no wrong answer in {values['minutes']} minutes."
    console.print(
        f"[bold green]{held}[/bold green]" if not values["findings"] else "[bold red]It did not hold.[/bold red]"
    )


def _told(refused: dict[str, int]) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(refused.items()))


def _quantile(times_ms: list[float], part: float) -> float:
    if len(times_ms) < 2:
        return round(times_ms[0], 1) if times_ms else 0.0
    return round(statistics.quantiles(times_ms, n=100, method="inclusive")[round(part * 100) - 1], 1)
