"""The SQL that finds or makes the account of somebody who comes from WorkOS.

An account is one's own by WorkOS's id, else by an address that is verified here and there, else by one that was written down
for somebody who never came before. An address that nobody verified opens no account, and keeps nobody from his own: it gives
way to one who did verify it.
"""

from auth.domain.audit import recorded
from auth.domain.users import COLUMNS

EVENTS_LOCK = "select pg_advisory_xact_lock(742190331)"
"""Events of WorkOS one at a time: each looks at objects that others change."""

SIGN_IN_LOCK = "select pg_advisory_xact_lock_shared(742190331)"
"""Sign-ins beside one another, but not beside an event."""

NOT_DELETED = "where not exists (select from workos_objects where id = $4 and deleted)"

OF_THIS_EVENT = (
    "where exists (select from workos_objects where id = $4 and not deleted and xmin = pg_current_xact_id()::xid)"
)
"""Only when the event before in this transaction is the newest of its object."""

_UNLINKED = "u.workos_id is null and u.sso_profile_id is null"
_CHANGE = "jsonb_build_object('from', former, 'to', role)"


def _upsert(column: str, gate: str) -> str:
    """$1 to $3: the actor; $4 the id in `column`, $5 e-mail, $6 name, $7 verified, $8 organisation, $9 role, $10 as of when.

    No row when the address is somebody else's; nor when one has just given it up, which the next attempt sees. Only a change
    made meanwhile by another transaction is behind `on conflict`: two sign-ins at once of the same new user make one row.
    """
    return f"""
with incoming as (
    select $4::text as external_id, $5::text as email, $6::text as name, $7::boolean as verified,
           $8::text as organization_id, $9::text as role, $10::timestamptz as as_of
    {gate}
), found as (
    select u.id, u.role as former, coalesce(i.as_of >= u.workos_as_of, true) as is_news,
           exists (select from users o where lower(o.email) = lower(i.email) and o.id <> u.id) as is_taken
    from users u join incoming i on u.{column} = i.external_id
        or (i.verified and lower(u.email) = lower(i.email) and (u.email_verified or {_UNLINKED}))
    order by u.{column} = i.external_id desc nulls last limit 1
    for update of u
), displaced as (
    update users u set email = u.id || '@unverified.invalid', updated_at = now()
    from incoming i
    where i.verified and lower(u.email) = lower(i.email) and not u.email_verified and not ({_UNLINKED})
      and u.{column} is distinct from i.external_id
    returning u.id
), linked as (
    update users u set
        {column} = i.external_id, updated_at = now(),
        email = case when is_news and not is_taken then i.email else u.email end,
        email_verified = case when is_news and not is_taken then i.verified else u.email_verified end,
        name = case when is_news then coalesce(i.name, u.name) else u.name end,
        workos_as_of = greatest(u.workos_as_of, i.as_of),
        organization_id = coalesce(i.organization_id, u.organization_id), role = coalesce(i.role, u.role)
    from incoming i, found f where u.id = f.id
    returning {COLUMNS}, f.former
), created as (
    insert into users as u ({column}, email, name, email_verified, organization_id, role, workos_as_of)
    select external_id, email, name, verified, organization_id, coalesce(role, 'user'), as_of from incoming
    where not exists (select from found) and not exists (select from displaced)
    on conflict do nothing
    returning {COLUMNS}, null as former
), {recorded("user.role_changed", "linked where role <> former", target="user_id", details=_CHANGE)}
select * from linked union all select * from created
"""


BY_USER = _upsert("workos_id", NOT_DELETED)
BY_PROFILE = _upsert("sso_profile_id", "")
BY_EVENT = _upsert("workos_id", OF_THIS_EVENT)
