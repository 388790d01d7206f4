"""The one decision: every role, every permission, every case of organisation."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain.roles import ROLES, decide, effective_permissions
from dotdo.permissions import permitted

PERMISSIONS = [
    f"{resource}:{action}"
    for resource in ("things", "relationships", "ai", "search", "auth", "billing")
    for action in ("read", "write", "delete")
]

# What the roles give, written out a second time: a role that gains a right has to gain it here too.
GIVEN: dict[str, set[str]] = {
    "admin": set(PERMISSIONS),
    "user": {
        "things:read", "things:write", "relationships:read", "relationships:write", "ai:read", "ai:write",
        "search:read", "auth:read", "auth:write",
    },
    "viewer": {"things:read", "relationships:read", "search:read"},
    "owner": set(),
    "Admin": set(),
    "": set(),
}  # fmt: skip

ROLE_AND_PERMISSION = list(itertools.product(GIVEN, PERMISSIONS))

ANYWHERE, HERE, THERE = None, "org_here", "org_there"

# where a grant holds, where the question is asked → whether the grant counts
PLACES = {
    (ANYWHERE, ANYWHERE): True,
    (ANYWHERE, HERE): True,
    (ANYWHERE, THERE): True,
    (HERE, ANYWHERE): False,
    (HERE, HERE): True,
    (HERE, THERE): False,
}

# what is granted → whether it is enough for the permission that is asked for
GRANTED: dict[str, Callable[[str], str]] = {
    "the same": lambda wanted: wanted,
    "the resource": lambda wanted: wanted.partition(":")[0] + ":*",
    "everything": lambda wanted: "*",
}
NOT_ENOUGH: dict[str, Callable[[str], str]] = {
    "another action": lambda wanted: wanted.partition(":")[0] + ":other",
    "another resource": lambda wanted: "other:" + wanted.partition(":")[2],
    "a prefix": lambda wanted: wanted[:-1],
    "the bare resource": lambda wanted: wanted.partition(":")[0],
    "nothing": lambda wanted: "",
}


@pytest.mark.parametrize("organization", [ANYWHERE, HERE])
@pytest.mark.parametrize(("role", "wanted"), ROLE_AND_PERMISSION)
def test_a_role_gives_the_same_everywhere(role: str, wanted: str, organization: str | None) -> None:
    assert decide(role, [], wanted, organization) is (wanted in GIVEN[role])


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize(("role", "wanted"), ROLE_AND_PERMISSION)
def test_a_grant_adds_where_it_holds(role: str, wanted: str, place: tuple[str | None, str | None]) -> None:
    holds, asked = place
    for grant in GRANTED.values():
        expected = role in ROLES and (wanted in GIVEN[role] or PLACES[place])
        assert decide(role, [{"permission": grant(wanted), "organization_id": holds}], wanted, asked) is expected
    for grant in NOT_ENOUGH.values():
        expected = wanted in GIVEN[role]
        assert decide(role, [{"permission": grant(wanted), "organization_id": holds}], wanted, asked) is expected


# a key's scopes → the least that has to be granted for them to count for the permission that is asked for; None: they never do
SCOPED: dict[str, tuple[Callable[[str], list[str]], Callable[[str], str] | None]] = {
    "the same": (lambda wanted: [wanted], lambda wanted: wanted),
    "the same and more": (lambda wanted: ["*", wanted, "other:read"], lambda wanted: wanted),
    "the resource": (lambda wanted: [wanted.partition(":")[0] + ":*"], lambda wanted: wanted.partition(":")[0] + ":*"),
    "everything": (lambda wanted: ["*"], lambda wanted: "*"),
    "nothing": (lambda wanted: [], None),
    "another action": (lambda wanted: [wanted.partition(":")[0] + ":other"], None),
    "another resource": (lambda wanted: ["other:" + wanted.partition(":")[2], "other:*"], None),
}


@pytest.mark.parametrize("scoped", SCOPED)
@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("role", GIVEN)
def test_a_key_may_do_what_its_scopes_and_its_owner_may(
    role: str, place: tuple[str | None, str | None], scoped: str
) -> None:
    holds, asked = place
    scopes, least = SCOPED[scoped]
    for wanted in PERMISSIONS:
        for granted in ("", *(grant(wanted) for grant in GRANTED.values())):
            owned = set(ROLES.get(role, ())) | ({granted} if granted and role in ROLES and PLACES[place] else set())
            expected = least is not None and covered(least(wanted), owned)
            grants = [{"permission": granted, "organization_id": holds}] if granted else []
            found = effective_permissions(role, scopes(wanted), grants, asked)
            assert permitted(found, wanted) is expected, (wanted, granted)


def covered(permission: str, owned: set[str]) -> bool:
    """Written out a second time: by everything, by all of its resource, or by itself."""
    return bool(owned & {"*", permission.partition(":")[0] + ":*", permission})


def test_a_known_role_is_needed_for_a_grant_to_count() -> None:
    assert effective_permissions("owner", None, [{"permission": "*", "organization_id": None}]) == []


def test_a_grant_that_the_role_gives_already_stands_there_once() -> None:
    grants = [{"permission": "things:read", "organization_id": None}] * 2
    assert effective_permissions("viewer", None, grants) == list(ROLES["viewer"])


GRANTS = st.lists(
    st.fixed_dictionaries(
        {
            "permission": st.sampled_from([*PERMISSIONS, "things:*", "*"]),
            "organization_id": st.sampled_from([ANYWHERE, HERE, THERE]),
        }
    )
)
SCOPES = st.lists(st.sampled_from([*PERMISSIONS, "things:*", "*"]))


@given(st.sampled_from(list(GIVEN)), SCOPES, GRANTS, st.sampled_from([ANYWHERE, HERE]), st.sampled_from(PERMISSIONS))
def test_scopes_only_ever_narrow(
    role: str, scopes: list[str], grants: list[dict[str, str | None]], organization: str | None, wanted: str
) -> None:
    if permitted(effective_permissions(role, scopes, grants, organization), wanted):
        assert decide(role, grants, wanted, organization)
        assert permitted(scopes, wanted)
