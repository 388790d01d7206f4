"""The SQL that finds or makes the account of somebody who comes from WorkOS.

An account is one's own by WorkOS's id, else by an address that is verified here and there, else by one that was written down
for somebody who never came before. An address that nobody verified opens no account, and keeps nobody from their own: it gives
way to one who did verify it.

WorkOS gives an address to one user at a time. So another user with the address of one who is known here is somebody else, who
has it after them: the account stays its owner's, without the address, until WorkOS tells what has become of them. A profile of
an identity provider is found by address all the same: its organisation vouches for who has which.
"""

from auth.domain.audit import recorded
from auth.domain.users import COLUMNS

EVENTS_LOCK = "select pg_advisory_xact_lock(742190331)"
"""Events of WorkOS one at a time: each looks at objects that others change."""

SIGN_IN_LOCK = "select pg_advisory_xact_lock_shared(742190331)"
"""Sign-ins beside one another, but not beside an event, and so with whatever begins a session or makes a key: it would not see
what an event under way ends, nor the event what it makes. Taken before any lock of a row, as events take theirs.
"""

NOT_DELETED = "where not exists (select from workos_objects where id = $4 and deleted)"

OF_THIS_EVENT = (
    "where exists (select from workos_objects where id = $4 and not deleted and xmin = pg_current_xact_id()::xid)"
)
"""Only when the event before in this transaction is the newest of its object."""


def has_left(organization: str, person: str) -> str:
    """A condition: an event has ended the organisation, or what was the person's (WorkOS's id) membership there.

    Not of one of whom no event has told: what is said of them elsewhere counts.
    """
    return f"""(
    exists (select from workos_objects g where g.id = {organization} and g.deleted) or coalesce((
        select not bool_or(not m.deleted and m.data ->> 'status' = 'active') from workos_objects m
        where m.type = 'organization_membership' and m.data ->> 'organization_id' = {organization}
          and m.data ->> 'user_id' = {person}
    ), false)
)"""


_PLACE = f"""
select case when is_member then organization_id end as organization_id, case when is_member then role end as role
from (
    select i.*, not {has_left("i.organization_id", "coalesce(f.workos_id, i.external_id)")} as is_member
    from incoming i left join found f on true
) arriving
"""
"""The organisation and the role there, if any: none in one that an event has ended meanwhile, itself or the membership."""

_UNLINKED = "u.workos_id is null and u.sso_profile_id is null"
_CHANGE = "jsonb_build_object('from', former, 'to', role)"


def _incoming(gate: str) -> str:
    """$4 the id at WorkOS, $5 e-mail, $6 name, $7 verified, $8 organisation, $9 role, $10 as of when."""
    return f"""incoming as (
    select $4::text as external_id, $5::text as email, $6::text as name, $7::boolean as verified,
           $8::text as organization_id, $9::text as role, $10::timestamptz as as_of
    {gate}
)"""


def _displace(column: str, superseded: str, gate: str) -> str:
    """Takes an incoming address from whoever has it no longer; $1 to $3 are the actor's.

    That is whoever never verified it, and `superseded`, who loses the identity provider's profile too: it may have gone to the
    same person as the address.
    """
    return f"""
with {_incoming(gate)}, displaced as (
    update users u set
        email = u.id || '@displaced.invalid', email_verified = false, updated_at = now(),
        sso_profile_id = case when {superseded} then null else u.sso_profile_id end
    from incoming i
    where i.verified and lower(u.email) = lower(i.email) and u.{column} is distinct from i.external_id
      and (not u.email_verified and not ({_UNLINKED}) or {superseded})
    returning u.id
), {recorded("user.displaced", "displaced")}
select id from displaced
"""


def _upsert(column: str, by_address: str, gate: str) -> str:
    """Finds the account of the id in `column`, else by its address where `by_address`, or makes it; $1 to $3 are the actor's.

    No row when the address is somebody else's. Only a change made meanwhile by another transaction is behind `on conflict`: two
    sign-ins at once of the same new user make one row. Who is disabled stays without the address given up.
    """
    return f"""
with {_incoming(gate)}, found as (
    select u.id, u.workos_id, u.role as former, coalesce(i.as_of >= u.workos_as_of, true) as is_news,
           u.disabled_at is not null
           or exists (select from users o where lower(o.email) = lower(i.email) and o.id <> u.id) as keeps_address
    from users u join incoming i on u.{column} = i.external_id
        or (i.verified and lower(u.email) = lower(i.email) and u.disabled_at is null and {by_address})
    order by u.{column} = i.external_id desc nulls last limit 1
    for update of u
), place as ({_PLACE}
), linked as (
    update users u set
        {column} = i.external_id, updated_at = now(),
        email = case when is_news and not keeps_address then i.email else u.email end,
        email_verified = case when is_news and not keeps_address then i.verified else u.email_verified end,
        name = case when is_news then coalesce(i.name, u.name) else u.name end,
        workos_as_of = greatest(u.workos_as_of, i.as_of),
        organization_id = coalesce(p.organization_id, u.organization_id), role = coalesce(p.role, u.role)
    from incoming i, place p, found f where u.id = f.id
    returning {COLUMNS}, f.former
), created as (
    insert into users as u ({column}, email, name, email_verified, organization_id, role, workos_as_of)
    select external_id, email, name, verified, p.organization_id, coalesce(p.role, 'user'), as_of from incoming, place p
    where not exists (select from found)
    on conflict do nothing
    returning {COLUMNS}, null as former
), {recorded("user.role_changed", "linked where role <> former", target="user_id", details=_CHANGE)}
select * from linked union all select * from created
"""


def _arrival(column: str, by_address: str, superseded: str, gate: str) -> tuple[str, str]:
    """Two statements of one transaction, with the same parameters: the second sees the address that the first took."""
    return _displace(column, superseded, gate), _upsert(column, by_address, gate)


_OF_NO_USER = "u.workos_id is null and (u.email_verified or u.sso_profile_id is null)"
_OF_AN_EARLIER_USER = "u.workos_id is not null and coalesce(i.as_of >= u.workos_as_of, true)"

BY_USER = _arrival("workos_id", _OF_NO_USER, _OF_AN_EARLIER_USER, NOT_DELETED)
BY_EVENT = _arrival("workos_id", _OF_NO_USER, _OF_AN_EARLIER_USER, OF_THIS_EVENT)
BY_PROFILE = _arrival("sso_profile_id", f"(u.email_verified or {_UNLINKED})", "false", "")
