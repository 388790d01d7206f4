"""`make bench`: the request paths and their floors in one run, interleaved, as ratios.

Runs on workerd directly. Absolute numbers are this machine's; what can be compared is the ratios.
"""

import asyncio
import json
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from scripts.bench.load import CONNECTIONS, Round, Target, load
from scripts.runtime.config import LOCAL_FLAGS, read_configuration, vendored_packages
from scripts.runtime.services import ROOT, SERVICES
from scripts.stack.ports import free_ports
from scripts.stack.process import LOOPBACK, free_port
from scripts.stack.stack import Stack

RESULTS = ROOT / "bench" / "results.json"
HELLO = Path(__file__).with_name("workers") / "hello"

RATIOS = {
    "gateway_health_vs_hello": ("gateway /health", "Python hello"),
    "gateway_get_vs_hello": ("gateway → db get, API key", "Python hello"),
}

console = Console(highlight=False)


def hello_worker(port: int) -> dict[str, Any]:
    gateway = next(service for service in SERVICES if service.name == "gateway")
    return {
        "name": "hello",
        "main": "entry.py",
        "sources": str(HELLO),
        "vendored": vendored_packages(gateway.modules),
        "compatibility_date": read_configuration(gateway.configuration)["compatibility_date"],
        "compatibility_flags": list(LOCAL_FLAGS),
        "port": port,
    }


def targets(info: dict[str, Any], hello_port: int) -> list[Target]:
    gateway = info["gateway_url"]
    viewer = {"authorization": f"Bearer {info['keys']['viewer']}"}
    return [
        Target("Python hello", f"http://{LOOPBACK}:{hello_port}/"),
        Target("gateway /health", f"{gateway}/health"),
        Target("gateway → db get, API key", f"{gateway}/db/things/demo/welcome", viewer),
    ]


async def measure(rounds: int, seconds: int) -> dict[str, list[Round]]:
    """The rounds of each target by its name."""
    hello_port = free_port()
    stack = Stack(ROOT / ".dotdo" / "bench", free_ports(), extra_workers=[hello_worker(hello_port)])
    info = await stack.start()
    try:
        chosen = targets(info, hello_port)
        for target in chosen:
            await load(target, 1)  # so that no round pays for a first request
        results: dict[str, list[Round]] = {target.name: [] for target in chosen}
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("measuring", total=rounds * len(chosen))
            for _ in range(rounds):
                for target in chosen:
                    results[target.name].append(await load(target, seconds))
                    progress.advance(bar)
        return results
    finally:
        await stack.stop()


def report(results: dict[str, list[Round]]) -> None:
    medians = {name: statistics.median(one.requests_per_s for one in rounds) for name, rounds in results.items()}
    table = Table("path", "requests/s", "lowest … highest", "p50 ms", "p99 ms")
    for name, rounds in results.items():
        rates = [one.requests_per_s for one in rounds]
        table.add_row(
            name,
            f"{medians[name]:.0f}",
            f"{min(rates):.0f} … {max(rates):.0f}",
            f"{statistics.median(one.p50_ms for one in rounds):.1f}",
            f"{statistics.median(one.p99_ms for one in rounds):.1f}",
        )
    console.print(table)
    ratios = {key: round(medians[path] / medians[floor], 3) for key, (path, floor) in RATIOS.items()}
    for key, ratio in ratios.items():
        console.print(f"  {key} = [bold]{ratio}[/bold]")
    raw = {name: [asdict(one) for one in rounds] for name, rounds in results.items()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"rounds": raw, "medians": medians, "ratios": ratios}, indent=2) + "\n")
    console.print(
        f"[dim]Medians over the rounds, {CONNECTIONS} connections. All of it: {RESULTS.relative_to(ROOT)}[/dim]"
    )


def main(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Interleaved rounds of each path.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, max=30, help="Length of a round.")] = 3,
) -> None:
    """Measure the request paths against their floors, in one run."""
    report(asyncio.run(measure(rounds, seconds)))


if __name__ == "__main__":
    typer.run(main)
