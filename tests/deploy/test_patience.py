"""What was deployed just now is asked again until it is well, or until the time is over."""

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from scripts.deploy.smoke import Patience
from scripts.deploy.steps import DONE, INTERRUPTED, VERIFY, Report, verify
from scripts.deploy.table import ENVIRONMENTS, ORDER
from tests.deploy.cloudflare_api import CloudflareApi
from tests.deploy.conftest import Answers, Run
from tests.deploy.uploads import all_there

STAGING = ENVIRONMENTS["staging"]
STARTING = (503, {"services": {"db": "down", "auth": "ok", "schedule": "ok"}})


class Waiting:
    """A clock on which time passes only by waiting. `meanwhile` is what happens then, by what it is at the end."""

    def __init__(self, meanwhile: Callable[[float], object] = bool) -> None:
        self.now_s, self.meanwhile = 0.0, meanwhile

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.meanwhile(self.now_s)

    def patience(self) -> Patience:
        return Patience(now=lambda: self.now_s, wait=self.wait)


@pytest.fixture
def account(deployed: CloudflareApi, run: Run, monkeypatch: pytest.MonkeyPatch) -> CloudflareApi:
    """This process has the account, where everything is deployed."""
    all_there(deployed)
    for name in ("CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "DISPATCH_URL"):
        monkeypatch.setenv(name, run.environment[name])
    return deployed


def verified(clock: Waiting) -> tuple[int, str]:
    shown = StringIO()
    code = verify(ORDER, STAGING, Report(Console(file=shown, width=200)), clock.patience())
    return code, shown.getvalue()


def test_a_database_that_wakes_up_is_waited_for(account: CloudflareApi, dispatcher: Answers) -> None:
    well, dispatcher.table["/ready"] = dispatcher.table["/ready"], STARTING

    def wakes_up(now_s: float) -> None:
        if now_s >= 10:
            dispatcher.table["/ready"] = well

    code, shown = verified(Waiting(wakes_up))
    assert code == DONE, shown
    assert "not yet: db is down; asking again for 90 s" in shown
    assert "not yet: db is down; asking again for 85 s" in shown
    assert "deployed and verified in staging" in shown


def test_what_stays_down_is_told_with_what_to_do(account: CloudflareApi, dispatcher: Answers) -> None:
    dispatcher.table["/ready"] = STARTING
    clock = Waiting()
    code, shown = verified(clock)
    assert (code, clock.now_s) == (VERIFY, 90)
    assert "db is down" in shown
    assert "If it was deployed just now, wait a minute, then: scripts/verify.sh staging" in shown


def test_an_address_that_is_not_known_yet_is_told_with_dns(
    account: CloudflareApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_URL", "http://127.0.0.1:1")
    code, shown = verified(Waiting())
    assert (code, "http://127.0.0.1:1 does not answer (ConnectError)" in shown) == (VERIFY, True), shown
    assert "has this host a proxied DNS record and a route?" in shown


def test_who_does_not_want_to_wait_stops(account: CloudflareApi, dispatcher: Answers) -> None:
    dispatcher.table["/ready"] = STARTING

    def stops(now_s: float) -> None:
        raise KeyboardInterrupt

    code, shown = verified(Waiting(stops))
    assert (code, "interrupted. To look again: scripts/verify.sh staging" in shown) == (INTERRUPTED, True), shown


def test_the_command_takes_how_long(account: CloudflareApi, run: Run, dispatcher: Answers) -> None:
    dispatcher.table["/ready"] = STARTING
    once = run("verify.sh", "staging", "--wait", "0", VERIFY_WAIT_S="3600")
    assert (once.returncode, "not yet" in once.stdout) == (VERIFY, False), once.stdout
    assert "asking again for 0 s" not in run("verify.sh", "staging").stdout
