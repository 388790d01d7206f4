"""The SQL of WorkOS's events: keeping one, and what follows from the newest of an object.

Statements after STORE run in its transaction and under its lock, and find their object only when it has just changed. $1 to $3
are the actor's but in STORE.
"""

from auth.domain.audit import recorded

_DEFAULT_ROLE = "'user'"

_OBJECT = "select * from workos_objects where id = $4 and xmin = pg_current_xact_id()::xid"

# $1 event id, $2 its type, $3 when, $4 all of it; $5 the object's id, $6 its type, $7 whether it is gone; $5 null: only kept.
STORE = """
with event as (
    insert into webhook_events (id, type, occurred_at, payload) values ($1, $2, $3::timestamptz, $4::jsonb)
    on conflict (id) do nothing
    returning id, occurred_at, payload
), applied as (
    insert into workos_objects as o (id, type, data, event_id, event_at, deleted)
    select $5::text, $6::text, payload -> 'data', id, occurred_at, $7::boolean from event where $5::text is not null
    on conflict (id) do update set
        data = excluded.data, event_id = excluded.event_id, event_at = excluded.event_at, deleted = excluded.deleted
    where not o.deleted and (excluded.deleted or (o.event_at, o.event_id) < (excluded.event_at, excluded.event_id))
    returning o.id
)
select exists (select from event) as is_new, exists (select from applied) as is_applied
"""

# The account stays, disabled and without its address and profile: whoever has those one day begins anew.
USER_GONE = f"""
with gone as (
    update users u set
        disabled_at = coalesce(disabled_at, now()), updated_at = now(),
        email = u.id || '@deleted.invalid', email_verified = false, sso_profile_id = null
    from ({_OBJECT}) o where o.deleted and u.workos_id = o.id
    returning u.id
), sessions_ended as (
    update sessions s set revoked_at = now() from gone where s.user_id = gone.id and revoked_at is null returning s.id
), keys_ended as (
    update api_keys k set revoked_at = now() from gone where k.user_id = gone.id and revoked_at is null returning k.id
), {recorded("user.disabled", "gone")}, {recorded("session.revoked", "sessions_ended", name="recorded_sessions")},
{recorded("api_key.revoked", "keys_ended", name="recorded_keys")}
select id from gone
"""

SESSION_GONE = f"""
with ended as (
    update sessions s set revoked_at = now()
    from ({_OBJECT}) o where s.workos_session_id = o.id and s.revoked_at is null
    returning s.id
), {recorded("session.revoked", "ended")}
select id from ended
"""

ORGANIZATION = f"""
with organization as ({_OBJECT}),
kept as (
    insert into organizations as g (id, workos_id, name, event_at)
    select id, id, coalesce(data ->> 'name', id), event_at from organization where not deleted
    on conflict (id) do update set name = excluded.name, event_at = excluded.event_at, updated_at = now()
), ended as (
    delete from organizations g using organization o where o.deleted and g.id = o.id
), left_behind as (
    update users u set organization_id = null, updated_at = now(),
        role = case when u.role = m.role then {_DEFAULT_ROLE} else u.role end
    from users b join organization o on o.deleted and b.organization_id = o.id
        left join memberships m on m.user_id = b.id and m.organization_id = o.id
    where u.id = b.id
    returning u.id, u.role, b.role as former
), {recorded("user.role_changed", "left_behind where role <> former",
             details="jsonb_build_object('from', former, 'to', role)")}
select id from left_behind
"""  # fmt: skip

# Of one user ($4, WorkOS's id), whatever event it was that could change them: users may be known later than their memberships,
# and organisations sooner gone. $5: ROLE_MAP. The role of their own organisation is the user's.
MEMBERSHIPS = f"""
with state as (
    select distinct on (o.data ->> 'organization_id')
        u.id as user_id, o.id as workos_id, o.data ->> 'organization_id' as organization_id, o.event_at,
        coalesce(o.data ->> 'organization_name', o.data ->> 'organization_id') as organization_name,
        coalesce($5::jsonb ->> (o.data #>> '{{role,slug}}'), o.data #>> '{{role,slug}}', '') as role,
        coalesce($5::jsonb ? (o.data #>> '{{role,slug}}'), false) as is_mapped,
        not o.deleted and o.data ->> 'status' = 'active' and not exists (
            select from workos_objects g where g.id = o.data ->> 'organization_id' and g.deleted
        ) as is_active
    from workos_objects o join users u on u.workos_id = o.data ->> 'user_id'
    where o.type = 'organization_membership' and o.data ->> 'user_id' = $4::text
    order by o.data ->> 'organization_id', is_active desc, o.event_at desc
), named as (
    insert into organizations (id, workos_id, name)
    select organization_id, organization_id, organization_name from state where is_active
    on conflict do nothing
), kept as (
    insert into memberships as m (user_id, organization_id, workos_id, role, event_at)
    select user_id, organization_id, workos_id, role, event_at from state where is_active
    on conflict (user_id, organization_id) do update set
        workos_id = excluded.workos_id, role = excluded.role, event_at = excluded.event_at, updated_at = now()
), ended as (
    delete from memberships m using state s
    where not s.is_active and m.user_id = s.user_id and m.organization_id = s.organization_id
), changed as (
    update users u set updated_at = now(),
        organization_id = case when s.is_active then s.organization_id end,
        role = case when s.is_active and s.is_mapped then s.role
                    when not s.is_active and u.role = coalesce(m.role, s.role) then {_DEFAULT_ROLE}
                    else u.role end
    from state s join users b on b.id = s.user_id
        left join memberships m on m.user_id = s.user_id and m.organization_id = s.organization_id
    where u.id = b.id and b.organization_id = s.organization_id
    returning u.id, u.role, b.role as former
), {recorded("user.role_changed", "changed where role <> former",
             details="jsonb_build_object('from', former, 'to', role)")}
select id from changed
"""  # fmt: skip


def _left(people: str) -> str:
    """Who has left a directory has no business in its organisation any more: neither their sessions nor their keys of it.

    `people`: the `data` of directory users.
    """
    return f"""
with gone as (
    select distinct u.id, u.organization_id as home, p.data ->> 'organization_id' as organization_id
    from ({people}) p join users u on lower(u.email) = lower(p.data ->> 'email')
    where u.organization_id = p.data ->> 'organization_id' or exists (
        select from memberships m where m.user_id = u.id and m.organization_id = p.data ->> 'organization_id'
    )
), sessions_ended as (
    update sessions s set revoked_at = now() from gone where s.user_id = gone.id and revoked_at is null returning s.id
), keys_ended as (
    update api_keys k set revoked_at = now() from gone
    where k.user_id = gone.id and revoked_at is null and coalesce(k.organization_id, home) = gone.organization_id
    returning k.id
), {recorded("session.revoked", "sessions_ended")}, {recorded("api_key.revoked", "keys_ended", name="recorded_keys")}
select id from gone
"""


DIRECTORY_USER = _left(f"""
    select o.data from ({_OBJECT}) o
    where o.deleted or o.data ->> 'state' <> 'active' or exists (
        select from workos_objects d where d.id = o.data ->> 'directory_id' and d.deleted
    )
""")

# WorkOS tells the end of a directory alone, not that of each who was in it.
DIRECTORY = _left(f"""
    select p.data from ({_OBJECT}) o
        join workos_objects p on p.type = 'directory_user' and p.data ->> 'directory_id' = o.id
    where o.deleted
""")
