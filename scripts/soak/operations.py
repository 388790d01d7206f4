"""The mix: what is asked how often, and which stores an answer depends on. Data."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from scripts.soak.accounts import Accounts
from scripts.soak.cron import Cron
from scripts.soak.faults import CLICKHOUSE, POSTGRES, WORKOS
from scripts.soak.things import Things

_POSTGRES = frozenset({POSTGRES})
_BOTH = frozenset({POSTGRES, CLICKHOUSE})
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Operation:
    """`weight`: how often it comes up, as a part of all. `stores`: what has to be there for its usual answer."""

    name: str
    run: Callable[[], Awaitable[None]]
    weight: float
    stores: frozenset[str] = _POSTGRES


def operations(things: Things, accounts: Accounts) -> tuple[Operation, ...]:
    return (
        Operation("read", things.read, 30),
        Operation("write with a key", things.put, 16),
        Operation("change by condition", things.patch, 5),
        Operation("delete", things.delete, 1),
        Operation("batch of ten", things.batch, 2),
        Operation("list", things.page, 5),
        Operation("search", things.search, 5),
        Operation("edge, and edges of a thing", things.edge, 3),
        Operation("event", things.event, 4, _BOTH),
        Operation("event, sent twice", things.event_twice, 1, _BOTH),
        Operation("verify a key, by RPC", accounts.verify_key, 5),
        Operation("me", accounts.me, 3),
        Operation("a key's life", accounts.key_life, 0.7),
        Operation("refresh, and the session", accounts.refresh, 4),
        Operation("sign out", accounts.sign_out, 0.4),
        Operation("sign in", accounts.sign_in, 1, frozenset({POSTGRES, WORKOS})),
        Operation("401: nobody", accounts.nobody, 3, NOTHING),
        Operation("401: malformed key", accounts.malformed_key, 2, NOTHING),
        Operation("401: unknown key", accounts.unknown_key, 2),
        Operation("403: a viewer writes", things.forbidden, 3),
        Operation("403: a user administers", accounts.no_admin, 2),
        Operation("400: no thing", things.invalid, 2),
    )


def cron_event(cron: Cron) -> Operation:
    """Its task asks the services for their health, so that either store counts."""
    return Operation("cron event, three times", cron.step, 0, _BOTH)
