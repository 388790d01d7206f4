"""What a new local stack holds: a user and an API key for each role, and a few things to look at."""

import psycopg
from psycopg.types.json import Jsonb

from auth.domain.api_keys import DISPLAYED_PREFIX, DISPLAYED_SUFFIX, key_hash
from scripts.stack.secrets import ROLES

EMAIL_DOMAIN = "example.com"
IMPERSONATED = "impersonated"

_USER = """
insert into users (id, email, name, role, email_verified) values (%s, %s, %s, %s, true)
on conflict (id) do nothing
"""
_KEY = """
insert into api_keys (id, user_id, name, key_hash, prefix, last4, environment)
values (%s, %s, 'local development', %s::bytea, %s, %s, 'test')
on conflict do nothing
"""
_FORGET = "update users set workos_id = null, workos_as_of = null where workos_id is not null and disabled_at is null"
_THING = """
insert into things (ns, id, type, content, data) values ('demo', %s, %s, %s, %s) on conflict do nothing
"""
_THINGS = (
    ("welcome", "page", "A first page, to be read through the gateway.", {"title": "Welcome"}),
    ("lovelace", "person", "Wrote the first program.", {"name": "Ada Lovelace", "born": 1815}),
    ("engine", "machine", "Was to run it.", {"name": "Analytical Engine", "weight_kg": 13600}),
)


def emulated_users() -> list[dict[str, object]]:
    """The same people for the WorkOS emulator, so that signing in leads to the seeded accounts; and one more, as whom
    somebody else signs in each time.
    """
    people = [
        {"email": f"{name}@{EMAIL_DOMAIN}", "first_name": name.title(), "last_name": "Local", "email_verified": True}
        for name in (*ROLES, IMPERSONATED)
    ]
    return [*people[:-1], {**people[-1], "impersonator": {"email": f"support@{EMAIL_DOMAIN}", "reason": "a ticket"}}]


def seed(database_url: str, keys: dict[str, str]) -> None:
    """Idempotent: rows that are there already stay as they are.

    The emulator of WorkOS has its users in memory, under other ids at each start. So nobody here is one of them yet: whoever
    signed in before is found by their address.
    """
    with psycopg.connect(database_url) as connection:
        connection.execute(_FORGET)
        for role in ROLES:
            user_id, key = f"usr_{role}", keys[role]
            connection.execute(_USER, (user_id, f"{role}@{EMAIL_DOMAIN}", f"{role.title()} Local", role))
            shown = (key[:DISPLAYED_PREFIX], key[-DISPLAYED_SUFFIX:])
            connection.execute(_KEY, (f"key_{role}", user_id, key_hash(key), *shown))
        for id, type_, content, data in _THINGS:
            connection.execute(_THING, (id, type_, content, Jsonb(data)))
