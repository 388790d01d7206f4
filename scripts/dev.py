"""`make dev`: the whole platform on this machine, until Ctrl-C."""

import asyncio
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from scripts.migrations.files import MigrationError
from scripts.runtime.bundle import BundleError
from scripts.runtime.bytecode import BytecodeError
from scripts.runtime.config import ConfigurationError, read_configuration
from scripts.runtime.vendor import VendorError
from scripts.stack.cron import run_triggers
from scripts.stack.ports import ports_from_environment
from scripts.stack.process import StartError
from scripts.stack.stack import ROOT, Stack
from scripts.stack.worker_log import follow

console = Console(highlight=False)

KNOWN_FAILURES = (StartError, BundleError, BytecodeError, VendorError, ConfigurationError, MigrationError)


async def show(name: str, work: Coroutine[Any, Any, None]) -> None:
    """One line a part, when it is ready."""
    started = time.perf_counter()
    await work
    console.print(f"  [green]✓[/green] {name} [dim]{time.perf_counter() - started:.1f} s[/dim]")


async def run(stack: Stack, *, fresh: bool, cron: bool, quiet: bool) -> int:
    """The exit code: 0 when asked to stop, 1 when a part ended by itself."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    started = time.perf_counter()
    console.print("[bold]Starting the platform[/bold]")
    starting = asyncio.create_task(stack.start(show, fresh=fresh))
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
    try:
        info = await starting
    except asyncio.CancelledError:
        console.print("Stopped before it was ready.")
        return 0
    console.print(f"[bold green]Ready[/bold green] in {time.perf_counter() - started:.1f} s\n")
    introduce(info)
    background = [asyncio.create_task(work) for work in _companions(stack, info, cron=cron, quiet=quiet)]
    ended = asyncio.create_task(stack.wait())
    await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
    for task in background:
        task.cancel()
    crashed = ended.done() and not asked.done()
    if crashed:
        console.print(
            f"[bold red]{escape(ended.result())}[/bold red]. Its log is in {escape(str(stack.data / 'logs'))}."
        )
    ended.cancel()
    console.print("Stopping …")
    await stack.stop()
    return 1 if crashed else 0


def _companions(stack: Stack, info: dict[str, Any], *, cron: bool, quiet: bool) -> list[Coroutine[Any, Any, None]]:
    work = []
    if cron:
        crons = read_configuration(ROOT / "schedule" / "wrangler.jsonc")["triggers"]["crons"]
        at = info["gateway_url"] if stack.namespace else info["workers"]["schedule"]
        work.append(run_triggers(at, crons, lambda line: console.print(line, style="dim", markup=False)))
    if not quiet:
        work.append(follow(stack.data / "logs" / "workers.log", console.print))
    return work


def introduce(info: dict[str, Any]) -> None:
    """Where everything is, and calls that can be pasted."""
    rows = {
        "gateway": info["gateway_url"],
        "API reference": f"{info['gateway_url']}/docs",
        "schedule's page": f"{info['gateway_url']}/schedule/dashboard",
        **{f"{name} (direct)": url for name, url in info["workers"].items() if name != "gateway"},
        "PostgreSQL": info["postgres_url"],
        "ClickHouse": info["clickhouse_url"],
        "WorkOS emulator": info["workos_url"],
        **{f"{role} key": key for role, key in info["keys"].items()},
    }
    for name, value in rows.items():
        console.print(f"  [bold]{name:18}[/bold] {escape(value)}", soft_wrap=True)
    gateway, schedule = info["gateway_url"], info["workers"]["schedule"]
    calls = (
        ("read a thing", f"curl -H 'Authorization: Bearer {info['keys']['viewer']}' {gateway}/db/things/demo/welcome"),
        (
            "write one",
            f"curl -X PUT -H 'Authorization: Bearer {info['keys']['user']}' -H 'Content-Type: application/json' "
            f'-d \'{{"type":"note","data":{{"text":"hello"}}}}\' {gateway}/db/things/demo/hello',
        ),
        ("sign in", f"curl -sL -c /tmp/dotdo-cookies '{gateway}/auth/login?return_to=/auth/session'"),
        ("fire a cron trigger", f"curl '{schedule}/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+*'"),
    )
    console.print("\n[bold]Try[/bold]")
    for name, call in calls:
        console.print(f"  [dim]# {name}[/dim]")
        console.print(f"  {call}", markup=False, soft_wrap=True)
    console.print(
        "\n[dim]Edits of src/ and shared/ load at once. Ctrl-C stops everything; the data stays in .dotdo/.[/dim]"
    )


def main(
    fresh: Annotated[bool, typer.Option("--fresh", help="Start from empty stores.")] = False,
    cron: Annotated[bool, typer.Option(help="Fire the cron triggers on time, as production does.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not show what the Workers log.")] = False,
    official_runtime: Annotated[
        bool, typer.Option("--official-runtime", help="Let workerd download Cloudflare's own Pyodide bundle.")
    ] = False,
    namespace: Annotated[
        bool, typer.Option("--namespace", help="Connect the Workers as in a dispatch namespace.")
    ] = False,
    data: Annotated[Path, typer.Option(help="Where the stores keep their data.")] = ROOT / ".dotdo",
) -> None:
    """Run gateway, db, auth and schedule with real stores on 127.0.0.1, until Ctrl-C.

    PORT chooses the gateway's port (8787); the other parts take the next seven. POSTGRES_PORT and the like choose one by name.

    Example: make dev PORT=9000 ARGS="--fresh --quiet"
    """
    try:
        stack = Stack(
            data.resolve(), ports_from_environment(), official_runtime=official_runtime, namespace=namespace, watch=True
        )
        code = asyncio.run(run(stack, fresh=fresh, cron=cron, quiet=quiet))
    except KNOWN_FAILURES as error:
        console.print(f"[bold red]Not started.[/bold red] {escape(str(error))}", soft_wrap=True)
        code = 1
    raise typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
