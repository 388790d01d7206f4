"""`python -m scripts.deploy`: what the shell scripts in scripts/ call."""

import getpass
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scripts.deploy import archive, secrets_file, steps
from scripts.deploy.checks import Plan
from scripts.deploy.size import measure, show
from scripts.deploy.smoke import Patience
from scripts.deploy.table import (
    ENVIRONMENTS,
    ORDER,
    PRODUCTION,
    Environment,
    UsageError,
    environment_of,
    secrets_of,
    services_of,
    settings_of,
)
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
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before production.")]
Wait = Annotated[
    float,
    typer.Option(
        "--wait", min=0, metavar="SECONDS", envvar="VERIFY_WAIT_S",
        help="How long to ask again for the health of what does not answer well yet.",
    ),
]  # fmt: skip
WAIT_S = Patience().total_s

EXIT_CODES = "Exit codes: " + " · ".join(f"{code} {meaning}" for code, meaning in steps.EXIT_CODES.items())


def _epilog(*examples: str) -> str:
    """Two paragraphs at the end of a command's help."""
    return "Examples: " + " · ".join(f"scripts/{example}" for example in examples) + "\n\n" + EXIT_CODES


def _tell_ignored(names: Iterable[str], services: Sequence[str], settings: Iterable[str] = ()) -> None:
    known = {name for service in services for name in secrets_of(service)} | {*settings}
    if ignored := [name for name in names if name not in known]:
        console.print(f"Ignored: {', '.join(ignored)} (not a secret of {', '.join(services)})")


def _named(service: str, environment: str) -> tuple[tuple[str, ...], Environment]:
    try:
        return services_of(service), environment_of(environment)
    except UsageError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(steps.USAGE) from error


def _read(file: Path, option: str) -> dict[str, str]:
    try:
        return secrets_file.read(file)
    except (OSError, ValueError) as error:
        console.print(f"{option}: {error}", style="red", markup=False)
        raise typer.Exit(steps.USAGE) from error


def _ask_first(question: str, environment: Environment, yes: bool) -> None:
    """Before production, and before nothing else."""
    if environment.name != PRODUCTION or yes:
        return
    if not sys.stdin.isatty():
        console.print("[red]Production asks first. Without a terminal to ask on, pass --yes.[/red]")
        raise typer.Exit(steps.USAGE)
    if not _confirmed(question):
        console.print("Nothing was touched.")
        raise typer.Exit(steps.USAGE)


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
    yes: Yes = False,
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
    wait: Wait = WAIT_S,
) -> None:
    """Check, upload and verify one service, or all in the order of their bindings."""
    services, target = _named(service, environment)
    given = _read(secrets, "--secrets") if secrets else {}
    _ask_first(f"Deploy {', '.join(services)} to production?", target, yes or dry_run)
    told = {name: given[name] for one in services for name in settings_of(one, target) if name in given}
    _tell_ignored(sorted(given), services, told)
    plan = Plan(
        services, target, frozenset(given), told, allow_dirty, peers or archive.peers_of(target, steps.VERSIONS)
    )
    same = shlex.join(("scripts/deploy-to-namespace.sh", *sys.argv[2:]))
    code = steps.deploy(plan, steps.Report(console), Patience(wait), dry_run=dry_run, secrets=secrets, same=same)
    raise typer.Exit(code)


@app.command(epilog=_epilog("secrets.sh auth staging", "secrets.sh auth staging --file staging.env"))
def secrets(
    service: Service,
    environment: Target,
    file: Annotated[
        Path | None, typer.Option("--file", help="File of NAME=value lines; without it, each value is asked for.")
    ] = None,
    yes: Yes = False,
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
    values = _own(_read(file, "--file"), names, services) if file else {}
    _ask_first(f"Store secrets of {service} in production?", target, yes)
    report = steps.Report(console)
    if not steps.reachable(Plan(services, target), report, deployed=True):
        raise typer.Exit(steps.CHECKS)
    values = values or _own(_asked(names), names, services)
    raise typer.Exit(steps.put_secrets(service, target, values, report))


def _own(found: Mapping[str, str], names: Sequence[str], services: Sequence[str]) -> dict[str, str]:
    """Those of the Worker that have a value: at least one."""
    _tell_ignored(found, services)
    values = {name: value for name, value in found.items() if name in names and value}
    if not values:
        console.print(f"[red]None of {', '.join(names)} was given.[/red]")
        raise typer.Exit(steps.USAGE)
    return values


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question)
    except typer.Abort:
        return False


def _asked(names: tuple[str, ...]) -> dict[str, str]:
    console.print("Each value in turn; an empty one leaves what is stored.")
    try:
        return {name: getpass.getpass(f"  {name}: ") for name in names}
    except (EOFError, KeyboardInterrupt) as error:
        console.print("\nNothing was stored.")
        raise typer.Exit(steps.INTERRUPTED) from error


@app.command(epilog=_epilog("verify.sh staging"))
def verify(environment: Target, wait: Wait = WAIT_S) -> None:
    """Repeat the post-deployment checks: every script is there and every service is healthy."""
    services, target = _named("all", environment)
    raise typer.Exit(steps.verify(services, target, steps.Report(console), Patience(wait)))


@app.command(epilog=_epilog("rollback.sh gateway production"))
def rollback(service: Service, environment: Target, yes: Yes = False, wait: Wait = WAIT_S) -> None:
    """Redeploy the version before the current one, kept in .dotdo/deployments/."""
    services, target = _named(service, environment)
    if len(services) > 1:
        console.print("[red]Roll back one service at a time, e.g. scripts/rollback.sh gateway production.[/red]")
        raise typer.Exit(steps.USAGE)
    _ask_first(f"Roll {service} in production back to the version before?", target, yes)
    raise typer.Exit(steps.rollback(service, target, steps.Report(console), Patience(wait)))


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
