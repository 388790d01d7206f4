"""WorkOS's events, each applied once and in any order: what is kept is what the newest one says.

An event and all that follows from it are one transaction, one round trip. What is not in the table is kept and changes nothing.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ValidationError

from auth.adapters.workos.models import Record, Text, User
from auth.domain import arrival_statements, event_statements
from auth.domain.arrivals import Arrival
from auth.domain.audit import Actor
from auth.domain.role_map import role_map
from dotdo.errors import malformed_json
from dotdo.model import argument_error
from dotdo.nesting import parse_json
from dotdo.ports import Bindings
from dotdo.sql import Sql
from dotdo.tracing import current_request_id

Statement = tuple[str, tuple[object, ...]]


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("an instant has a time zone")
    return text


Instant = Annotated[str, AfterValidator(_instant)]


class Event(Record):
    """`created_at` orders the events of one object; their ids do where it is the same."""

    id: Text
    event: Text
    data: dict[str, Any]
    created_at: Instant


class _Named(Record):
    id: Text


class _MembershipOf(_Named):
    user_id: Text
    organization_id: Text


Outcome = Literal["applied", "kept", "known"]

Follow = Callable[[Event, Actor, Mapping[str, str]], list[Statement]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`type`: of the object. `is_end`: nothing comes after it. `follow`: what its newest event changes, given ROLE_MAP."""

    type: str
    follow: Follow
    is_end: bool = False


def _user(event: Event, actor: Actor, roles: Mapping[str, str]) -> list[Statement]:
    user = User.model_validate(event.data, strict=True)
    arrival = Arrival(
        user.id, user.email, user.email_verified, user.full_name, as_of=user.updated_at or event.created_at
    )
    return [
        *((statement, (*actor.parameters, *arrival.parameters)) for statement in arrival_statements.BY_EVENT),
        (event_statements.USER_GONE, (*actor.parameters, user.id)),
        _memberships(user.id, actor, roles),
    ]


def _organization(event: Event, actor: Actor, _roles: Mapping[str, str]) -> list[Statement]:
    return [(event_statements.ORGANIZATION, (*actor.parameters, event.data["id"]))]


def _membership(event: Event, actor: Actor, roles: Mapping[str, str]) -> list[Statement]:
    return [_memberships(_MembershipOf.model_validate(event.data, strict=True).user_id, actor, roles)]


def _memberships(user_id: str, actor: Actor, roles: Mapping[str, str]) -> Statement:
    return event_statements.MEMBERSHIPS, (*actor.parameters, user_id, json.dumps(roles))


def _session(event: Event, actor: Actor, _roles: Mapping[str, str]) -> list[Statement]:
    return [(event_statements.SESSION_GONE, (*actor.parameters, event.data["id"]))]


def _directory_user(event: Event, actor: Actor, _roles: Mapping[str, str]) -> list[Statement]:
    return [(event_statements.DIRECTORY_USER, (*actor.parameters, event.data["id"]))]


def _directory(event: Event, actor: Actor, _roles: Mapping[str, str]) -> list[Statement]:
    return [(event_statements.DIRECTORY, (*actor.parameters, event.data["id"]))]


def _life(prefix: str, type: str, follow: Follow) -> dict[str, Kind]:
    return {f"{prefix}.{verb}": Kind(type, follow, verb == "deleted") for verb in ("created", "updated", "deleted")}


KINDS: dict[str, Kind] = {
    **_life("user", "user", _user),
    **_life("organization", "organization", _organization),
    **_life("organization_membership", "organization_membership", _membership),
    **_life("dsync.user", "directory_user", _directory_user),
    "dsync.deleted": Kind("directory", _directory, is_end=True),
    "session.revoked": Kind("session", _session, is_end=True),
}


class Events:
    def __init__(self, bindings: Bindings, sql: Sql) -> None:
        self._bindings = bindings
        self._sql = sql

    async def take(self, body: bytes) -> Outcome:
        """`applied`; `kept` for what changes nothing, now or because newer came before; `known` for one that was here already.

        `body` is WorkOS's: its signature has been checked. Raises 400 for what is no event, or not of its type's form.
        """
        event = _read(body)
        kind = KINDS.get(event.event)
        about = _about(event, kind)
        follows = [] if kind is None else self._follows(kind, event)
        stored = (event.id, event.event, event.created_at, body.decode(), *about)
        answers = await self._sql.transaction(
            (arrival_statements.EVENTS_LOCK, ()), (event_statements.STORE, stored), *follows
        )
        outcome = answers[1][0]
        if outcome["is_applied"]:
            return "applied"
        return "kept" if outcome["is_new"] else "known"

    def _follows(self, kind: Kind, event: Event) -> list[Statement]:
        actor = Actor("workos", None, current_request_id())
        try:
            return kind.follow(event, actor, role_map(self._bindings))
        except ValidationError as error:
            raise argument_error(error) from error


def _read(body: bytes) -> Event:
    try:
        parsed = parse_json(body)
    except ValueError as error:
        raise malformed_json() from error
    try:
        return Event.model_validate(parsed, strict=True)
    except ValidationError as error:
        raise argument_error(error) from error


def _about(event: Event, kind: Kind | None) -> tuple[str | None, str | None, bool]:
    """The object's id, its type, and whether it is gone; nothing for an event that changes nothing."""
    if kind is None:
        return None, None, False
    try:
        return _Named.model_validate(event.data, strict=True).id, kind.type, kind.is_end
    except ValidationError as error:
        raise argument_error(error) from error
