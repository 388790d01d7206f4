"""`python -m scripts.deploy`: what the shell scripts in scripts/ call."""

import getpass
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scripts.deploy import archive, secrets_file, steps
from scripts.deploy.checks import Plan
from scripts.deploy.size import measure, show
from scripts.deploy.table import ENVIRONMENTS, ORDER, Environment, UsageError, environment_of, secrets_of, services_of
from scripts.deploy.tools import Peers

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich")
console = Console(highlight=False)

Service = Annotated[str, typer.Argument(metavar="SERVICE", help=f"One of: {', '.join(ORDER)}.")]
ServiceOrAll = Annotated[str, typer.Argument(metavar="SERVICE|all", help=f"One of: {', '.join(ORDER)}, all.")]
Target = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help=f"One of: {', '.join(ENVIRONMENTS)}.")]
SecretsFile = Annotated[
    Path | None,
    typer.Option("--secrets", help="File of NAME=value lines; each Worker gets its own secrets with the upload."),
]

EXIT_CODES = "Exit codes: " + " · ".join(f"{code} {meaning}" for code, meaning in steps.EXIT_CODES.items())


def _epilog(*examples: str) -> str:
    """Two paragraphs at the end of a command's help."""
    return "Examples: " + " · ".join(f"scripts/{example}" for example in examples) + "\n\n" + EXIT_CODES


def _tell_ignored(names: Iterable[str], services: Sequence[str]) -> None:
    known = {name for service in services for name in secrets_of(service)}
    if ignored := [name for name in names if name not in known]:
        console.print(f"Ignored: {', '.join(ignored)} (not a secret of {', '.join(services)})")


def _named(service: str, environment: str) -> tuple[tuple[str, ...], Environment]:
    try:
        return services_of(service), environment_of(environment)
    except UsageError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(steps.USAGE) from error


@app.command(
    epilog=_epilog(
        "deploy-to-namespace.sh all staging --dry-run",
        "deploy-to-namespace.sh all staging --secrets staging.env",
        "deploy-to-namespace.sh gateway production --yes",
    )
)
def deploy(
    service: ServiceOrAll,
    environment: Target,
    secrets: SecretsFile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run every check and build the uploads, upload nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before production.")] = False,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Deploy to production with uncommitted changes.")
    ] = False,
    peers: Annotated[
        Peers | None,
        typer.Option(
            help="How the Workers find each other: by service bindings, or by name through a dispatch binding. As in the "
            "environment's last deployment from here, unless given.",
        ),
    ] = None,
) -> None:
    """Check, upload and verify one service, or all in the order of their bindings."""
    services, target = _named(service, environment)
    try:
        given = frozenset(secrets_file.read(secrets)) if secrets else frozenset[str]()
    except (OSError, ValueError) as error:
        console.print(f"--secrets: {error}", style="red", markup=False)
        raise typer.Exit(steps.USAGE) from error
    if target.name == "production" and not (yes or dry_run):
        if not sys.stdin.isatty():
            console.print("[red]Production asks first. Without a terminal to ask on, pass --yes.[/red]")
            raise typer.Exit(steps.USAGE)
        if not _confirmed(f"Deploy {', '.join(services)} to production?"):
            console.print("Nothing was touched.")
            raise typer.Exit(steps.USAGE)
    _tell_ignored(sorted(given), services)
    plan = Plan(services, target, given, allow_dirty, peers or archive.peers_of(target, steps.VERSIONS))
    same = shlex.join(("scripts/deploy-to-namespace.sh", *sys.argv[2:]))
    raise typer.Exit(steps.deploy(plan, steps.Report(console), dry_run=dry_run, secrets=secrets, same=same))


@app.command(epilog=_epilog("secrets.sh auth staging", "secrets.sh auth staging --file staging.env"))
def secrets(
    service: Service,
    environment: Target,
    file: Annotated[
        Path | None, typer.Option("--file", help="File of NAME=value lines; without it, each value is asked for.")
    ] = None,
) -> None:
    """Store the secrets of a deployed Worker. Values come from a file or the keyboard, and are never shown."""
    services, target = _named(service, environment)
    names = secrets_of(services[0])
    if len(services) > 1:
        console.print("[red]Secrets are set one Worker at a time: db, auth, schedule or gateway.[/red]")
        raise typer.Exit(steps.USAGE)
    if not names:
        console.print(f"[red]{service} has no secrets of its own.[/red]")
        raise typer.Exit(steps.USAGE)
    if file is None and not sys.stdin.isatty():
        console.print("[red]There is no terminal to ask on: pass --file.[/red]")
        raise typer.Exit(steps.USAGE)
    try:
        found = secrets_file.read(file) if file else _asked(names)
    except (OSError, ValueError) as error:
        console.print(f"--file: {error}", style="red", markup=False)
        raise typer.Exit(steps.USAGE) from error
    except (EOFError, KeyboardInterrupt) as error:
        console.print("\nNothing was stored.")
        raise typer.Exit(steps.INTERRUPTED) from error
    _tell_ignored(found, services)
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


@app.command(epilog=_epilog("verify.sh staging"))
def verify(environment: Target) -> None:
    """Repeat the post-deployment checks: every script is there and every service is healthy."""
    services, target = _named("all", environment)
    raise typer.Exit(steps.verify(services, target, steps.Report(console)))


@app.command(epilog=_epilog("rollback.sh gateway production"))
def rollback(service: Service, environment: Target) -> None:
    """Redeploy the version before the current one, kept in .dotdo/deployments/."""
    services, target = _named(service, environment)
    if len(services) > 1:
        console.print("[red]Roll back one service at a time, e.g. scripts/rollback.sh gateway production.[/red]")
        raise typer.Exit(steps.USAGE)
    raise typer.Exit(steps.rollback(service, target, steps.Report(console)))


@app.command()
def size() -> None:
    """Build the real uploads into dist/ and print what is in them.

    Example: make size
    """
    sizes, failed = measure(console)
    show(sizes, console)
    raise typer.Exit(steps.UPLOAD if failed else steps.DONE)


if __name__ == "__main__":
    app()
