"""`python -m scripts.deploy`: what the shell scripts in scripts/ call."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scripts.deploy import steps
from scripts.deploy.checks import Plan, parse_secrets, secret_names
from scripts.deploy.size import measure, show
from scripts.deploy.table import ENVIRONMENTS, ORDER, Environment, UsageError, environment_of, secrets_of, services_of
from scripts.deploy.tools import Peers

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich")
console = Console(highlight=False)

Service = Annotated[str, typer.Argument(metavar="SERVICE", help=f"One of: {', '.join(ORDER)}.")]
ServiceOrAll = Annotated[str, typer.Argument(metavar="SERVICE|all", help=f"One of: {', '.join(ORDER)}, all.")]
Target = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help=f"One of: {', '.join(ENVIRONMENTS)}.")]
SecretsFile = Annotated[
    Path | None, typer.Option("--secrets", help="NAME=value lines that go up with the Workers that need them.")
]

EPILOG = "Exit codes: " + " · ".join(f"{code} {meaning}" for code, meaning in steps.EXIT_CODES.items())


def _named(service: str, environment: str) -> tuple[tuple[str, ...], Environment]:
    try:
        return services_of(service), environment_of(environment)
    except UsageError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(steps.USAGE) from error


@app.command(epilog=EPILOG)
def deploy(
    service: ServiceOrAll,
    environment: Target,
    secrets: SecretsFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Everything but the upload.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before production.")] = False,
    allow_dirty: Annotated[bool, typer.Option("--allow-dirty", help="Production from an unclean git tree.")] = False,
    peers: Annotated[
        Peers, typer.Option(help="How the Workers find each other: service bindings, or a dispatch binding by name.")
    ] = "services",
) -> None:
    """Check, upload and verify one service, or all in the order of their bindings."""
    services, target = _named(service, environment)
    try:
        given = secret_names(secrets) if secrets else frozenset[str]()
    except (OSError, ValueError) as error:
        console.print(f"[red]--secrets: {error}[/red]")
        raise typer.Exit(steps.USAGE) from error
    if target.name == "production" and not (yes or dry_run):
        if not sys.stdin.isatty():
            console.print("[red]Production asks first. Without a terminal to ask on, pass --yes.[/red]")
            raise typer.Exit(steps.USAGE)
        if not _confirmed(f"Deploy {', '.join(services)} to production?"):
            console.print("Nothing was touched.")
            raise typer.Exit(steps.USAGE)
    plan = Plan(services, target, given, allow_dirty, peers)
    raise typer.Exit(steps.deploy(plan, steps.Report(console), dry_run=dry_run, secrets=secrets))


@app.command(epilog=EPILOG)
def secrets(
    service: Service,
    environment: Target,
    file: Annotated[
        Path | None, typer.Option("--file", help="NAME=value lines; without it each value is asked for.")
    ] = None,
) -> None:
    """Store a deployed Worker's secrets. Values come from a file or the keyboard, and are never shown."""
    services, target = _named(service, environment)
    names = secrets_of(services[0])
    if len(services) > 1 or not names:
        console.print(f"[red]{service} has no secrets of its own.[/red]")
        raise typer.Exit(steps.USAGE)
    if file is None and not sys.stdin.isatty():
        console.print("[red]There is no terminal to ask on: pass --file.[/red]")
        raise typer.Exit(steps.USAGE)
    try:
        found = parse_secrets(file.read_text()) if file else _asked(names)
    except (OSError, ValueError) as error:
        console.print(f"[red]--file: {error}[/red]")
        raise typer.Exit(steps.USAGE) from error
    except (EOFError, KeyboardInterrupt) as error:
        console.print("\nNothing was stored.")
        raise typer.Exit(steps.INTERRUPTED) from error
    values = {name: value for name, value in found.items() if name in names and value}
    if not values:
        console.print(f"[red]None of {', '.join(names)} was given.[/red]")
        raise typer.Exit(steps.USAGE)
    raise typer.Exit(steps.put_secrets(service, target, values, steps.Report(console)))


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question)
    except typer.Abort:
        return False


def _asked(names: tuple[str, ...]) -> dict[str, str]:
    console.print("Each value in turn; an empty one leaves what is stored.")
    return {name: getpass.getpass(f"  {name}: ") for name in names}


@app.command(epilog=EPILOG)
def verify(environment: Target) -> None:
    """Look again whether everything is deployed and answers."""
    services, target = _named("all", environment)
    raise typer.Exit(steps.verify(services, target, steps.Report(console)))


@app.command(epilog=EPILOG)
def rollback(service: Service, environment: Target) -> None:
    """Deploy the version before the last one again."""
    services, target = _named(service, environment)
    if len(services) > 1:
        console.print("[red]One service at a time goes back.[/red]")
        raise typer.Exit(steps.USAGE)
    raise typer.Exit(steps.rollback(service, target, steps.Report(console)))


@app.command()
def size() -> None:
    """Build the real uploads into dist/ and print what is in them."""
    sizes, failed = measure(console)
    show(sizes, console)
    raise typer.Exit(steps.UPLOAD if failed else steps.DONE)


if __name__ == "__main__":
    app()
