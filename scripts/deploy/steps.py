"""The sequence of a deployment: check, upload one after the other, look whether it works. Stops at the first failure.

Every function returns an exit code (see EXIT_CODES) and has told the reader why.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from scripts.deploy import archive, checks, secrets_file, smoke, tools
from scripts.deploy.api import ApiError, Cloudflare
from scripts.deploy.checks import Check, Plan, Problem
from scripts.deploy.smoke import Patience
from scripts.deploy.table import ORDER, Environment, secrets_of
from scripts.deploy.variables import variables
from scripts.runtime.services import ROOT

DONE, USAGE, CHECKS, UPLOAD, VERIFY, INTERRUPTED = 0, 2, 3, 4, 5, 130

EXIT_CODES = {
    DONE: "done",
    USAGE: "an unknown name or option, or the question was not answered with yes; nothing was changed",
    CHECKS: "a check at the beginning failed; nothing was changed",
    UPLOAD: "an upload failed; the output says what is deployed",
    VERIFY: "everything is uploaded, but what is deployed does not work",
    INTERRUPTED: "interrupted; the output says what is deployed",
}

VERSIONS = ROOT / ".dotdo" / "deployments"

NOT_RESOLVED = "10143"
"""Cloudflare's code for a service binding that names no Worker of the account."""

DENIED = (401, 403)
MAY_NOT = f"The token may not do this. {checks.TOKEN}"
AGAIN = "Try again; a repeated deployment does no harm."

ARRIVED_OR_NOT = "It may have arrived all the same. Run the same again; it does no harm."


class Report:
    """One line a step, on the console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, name: str, work: Callable[[], Iterable[Problem]]) -> bool:
        """True when there is no problem."""
        started = time.perf_counter()
        with self.console.status(f"{name} …"):
            try:
                problems = list(work())
            except ApiError as error:
                problems = [Problem(str(error), AGAIN if error.status not in DENIED else MAY_NOT)]
        took = f"[dim]{time.perf_counter() - started:.1f} s[/dim]"
        self.console.print(f"  [red]✗[/red] {name} {took}" if problems else f"  [green]✓[/green] {name} {took}")
        for problem in problems:
            self.console.print(f"    {problem.what}", style="red", markup=False, highlight=False)
            self.console.print(f"    → {problem.remedy}", markup=False, highlight=False, soft_wrap=True)
        return not problems

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)  # a command stays one line

    def tell(self, text: str) -> None:
        """How a step that takes its time is getting on."""
        self.console.print(f"    [dim]{escape(text)}[/dim]", highlight=False, soft_wrap=True)


def check(plan: Plan, report: Report, *, remote: bool = True) -> bool:
    """Every check, whatever the others say; those that ask Cloudflare only when the credentials hold."""
    report.say(f"[bold]Checks[/bold] for {plan.environment.name} ({plan.environment.namespace})")
    api = Cloudflare()
    good = _all(checks.LOCAL, plan, api, report)
    return (_remote(checks.REMOTE, plan, api, report) and good) if remote else good


def reachable(plan: Plan, report: Report, *, deployed: bool = False) -> bool:
    """Whether the account and the namespace are there and may be read; `deployed`: and the Workers, too."""
    table = {**checks.ACCESS, "deployed": checks.deployed} if deployed else checks.ACCESS
    return _remote(table, plan, Cloudflare(), report)


def _remote(table: Mapping[str, Check], plan: Plan, api: Cloudflare, report: Report) -> bool:
    """Those that ask Cloudflare, which is only asked on when the credentials hold."""
    asking = dict(table)
    return _all({"credentials": asking.pop("credentials")}, plan, api, report) and _all(asking, plan, api, report)


def _all(table: Mapping[str, Check], plan: Plan, api: Cloudflare, report: Report) -> bool:
    good = True
    for name, one in table.items():
        good = report.step(name, partial(one, plan, api)) and good
    return good


def deploy(plan: Plan, report: Report, patience: Patience, *, dry_run: bool, secrets: Path | None, same: str) -> int:
    """`same` is the command that asks for the same again."""
    if not check(plan, report):
        return CHECKS
    report.say(f"[bold]{'Dry run' if dry_run else 'Upload'}[/bold]")
    if plan.peers == "dispatch":
        report.say("    [dim]the Workers find each other through a dispatch binding (--peers dispatch)[/dim]")
    for service in plan.services:
        try:
            uploaded = report.step(service, partial(_upload, service, plan, secrets, dry_run=dry_run))
        except KeyboardInterrupt:
            report.say(f"  [red]✗[/red] {service}: interrupted")
            if not dry_run:
                _how_to_go_on(plan, service, report, same)
            return INTERRUPTED
        if not uploaded:
            if not dry_run:
                _how_to_go_on(plan, service, report, same)
            return UPLOAD
    if dry_run:
        report.say("Nothing was uploaded. What would have been is in dist/.")
        return DONE
    code = _verified(plan.services, plan.environment, report, patience)
    if code == VERIFY:
        last = plan.services[-1]
        report.say(f"To go back: scripts/rollback.sh {last} {plan.environment.name}, one service at a time.")
    return code


def _upload(service: str, plan: Plan, secrets: Path | None, *, dry_run: bool) -> Iterable[Problem]:
    versions = archive.Archive(service, plan.environment, VERSIONS)
    folder, changed = archive.folder_of(service), variables(service, plan.environment, Cloudflare(), plan.told)
    with secrets_file.only(secrets, secrets_of(service)) as own:
        attempt = None if dry_run else versions.attempt(folder, plan.peers)
        outcome = tools.upload(
            folder, service, plan.environment, dry_run=dry_run, secrets=own, peers=plan.peers, variables=changed
        )
    if attempt and outcome.ok:
        versions.confirm(attempt)
    elif attempt and outcome.nothing_sent:
        attempt.unlink()
    return [] if outcome.ok else [Problem(outcome.reason, _remedy(outcome))]


def _remedy(outcome: tools.Outcome) -> str:
    if NOT_RESOLVED in outcome.output:
        return "Where the bound Worker is deployed, service bindings do not reach into the namespace: pass --peers dispatch."
    return f"all that wrangler said: {outcome.log.relative_to(ROOT)}"


def _how_to_go_on(plan: Plan, failed: str, report: Report, same: str) -> None:
    at = list(plan.services).index(failed)
    done, left = plan.services[:at], plan.services[at:]
    report.say(f"Deployed: {', '.join(done) or 'nothing'}. Not deployed: {', '.join(left)}.")
    report.say(f"If the connection broke, {failed} may have arrived all the same; deploying it again does no harm.")
    report.say(f"Mend the cause, then run the same again: {escape(same)}")
    if done:
        report.say(f"Or go back: scripts/rollback.sh {done[-1]} {plan.environment.name}")


def verify(services: Sequence[str], environment: Environment, report: Report, patience: Patience) -> int:
    report.say(f"[bold]Checks[/bold] for {environment.name} ({environment.namespace})")
    if not reachable(Plan(services, environment), report):
        return CHECKS
    return _verified(services, environment, report, patience)


def _verified(services: Sequence[str], environment: Environment, report: Report, patience: Patience) -> int:
    try:
        return _look(services, environment, report, patience)
    except KeyboardInterrupt:
        report.say(f"  [red]✗[/red] interrupted. To look again: scripts/verify.sh {environment.name}")
        return INTERRUPTED


def _look(services: Sequence[str], environment: Environment, report: Report, patience: Patience) -> int:
    """The environment as a whole is asked only when it is complete: a single service may be the first one there."""
    report.say("[bold]Verify[/bold]")
    api = Cloudflare()
    there: list[str] = []

    def list_scripts() -> Iterable[Problem]:
        there.extend(smoke.listed(environment, api))
        return smoke.present(services, environment, there)

    good = report.step("scripts of the namespace", list_scripts)
    if there:
        report.say(f"    there: {escape(', '.join(there))}")
    if set(services) >= set(ORDER) or {*ORDER[:-1], environment.dispatch} <= set(there):
        healthy = report.step(
            "health through the dispatcher", lambda: smoke.answering(environment, api, patience, report.tell)
        )
        if not healthy:
            report.say(f"    If it was deployed just now, wait a minute, then: scripts/verify.sh {environment.name}")
        good = healthy and good
    else:
        report.say("    [dim]not asked for its health: the environment is not complete yet[/dim]")
    if good:
        report.say(f"[green]{', '.join(services)}: deployed and verified in {environment.name}.[/green]")
    return DONE if good else VERIFY


def rollback(service: str, environment: Environment, report: Report, patience: Patience) -> int:
    versions = archive.Archive(service, environment, VERSIONS)
    previous = versions.previous()
    if previous is None:
        report.say(f"[red]There is no earlier version of {service} in {environment.name} to go back to.[/red]")
        report.say(f"→ Versions are kept in {VERSIONS.relative_to(ROOT)}, where the deployment ran.")
        return CHECKS
    plan = Plan((service,), environment, allow_dirty=True, peers=archive.peers_in(previous))
    if not _remote(checks.REMOTE, plan, Cloudflare(), report):
        return CHECKS

    def upload() -> Iterable[Problem]:
        with archive.unpacked(previous) as (folder, peers):
            own = variables(service, environment, Cloudflare())
            outcome = tools.upload(
                folder, service, environment, dry_run=False, secrets=None, peers=peers, variables=own
            )
        there = "The version deployed last is still there." if outcome.nothing_sent else ARRIVED_OR_NOT
        return [] if outcome.ok else [Problem(outcome.reason, there)]

    if not report.step(f"{service} as of {previous.name.removesuffix('.tar.gz')}", upload):
        return UPLOAD
    versions.forget_after(previous)
    return _verified((service,), environment, report, patience)


def put_secrets(service: str, environment: Environment, values: Mapping[str, str], report: Report) -> int:
    """One call for each; what was stored before a failure stays, and is said."""
    api = Cloudflare()
    for name, value in values.items():
        if not report.step(name, partial(_put, api, environment.namespace, service, name, value)):
            return UPLOAD
    return DONE


def _put(api: Cloudflare, namespace: str, service: str, name: str, value: str) -> Iterable[Problem]:
    api.put_secret(namespace, service, name, value)
    return []
