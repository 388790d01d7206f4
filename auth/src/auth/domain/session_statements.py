"""The SQL of sessions and their refresh tokens; a change and its record are one statement."""

from auth.domain.askers import stands
from auth.domain.audit import recorded
from auth.domain.roles import GRANTS_OF_USER
from auth.domain.users import COLUMNS as USER

# Each refresh gives a session seven more days, up to 90 in all. A refresh token is good for 30 days, but never beyond its
# session: who is away for a week signs in again. The 30 days are what a longer _IDLE would meet.
_IDLE, _ABSOLUTE = "interval '7 days'", "interval '90 days'"
_REFRESH = "interval '30 days'"
_REPEAT = "interval '10 seconds'"

COLUMNS = (
    "s.id, s.user_id, s.device, s.ip_address, s.user_agent, s.created_at, s.last_seen_at,"
    f" least(s.expires_at, s.created_at + {_ABSOLUTE}) as expires_at"
)

_LIVE = "s.revoked_at is null and s.expires_at > now()"

OPEN = f"""
with s as (
    insert into sessions (user_id, device, ip_address, user_agent, expires_at, refresh_hash, workos_session_id)
    select id, $5::text, $6::text, $7::text, now() + {_IDLE}, $8::bytea, $9::text from users
    where id = $4 and disabled_at is null and not exists (select from workos_objects where id = $9 and deleted)
    returning *
), issued as (
    insert into refresh_tokens (token_hash, session_id, expires_at) select $8::bytea, id, now() + {_REFRESH} from s
), {recorded("session.created", "s")}
select {COLUMNS}, u.role, u.organization_id, {GRANTS_OF_USER} from s join users u on u.id = s.user_id
"""

# The session's row is locked first and holds all that decides, so that of two requests with one token the second sees what the
# first has done, although its snapshot is older.
REFRESH = f"""
with found as materialized (
    select s.*, t.expires_at as token_expires_at
    from refresh_tokens t join sessions s on s.id = t.session_id
    where t.token_hash = $4::bytea
    for update of s
), judged as materialized (
    select s.*, u.role, u.organization_id, {GRANTS_OF_USER}, case
        when s.revoked_at is not null then 'REVOKED'
        when s.refresh_hash <> $4::bytea
             and not (s.previous_refresh_hash = $4::bytea and s.refreshed_at > now() - {_REPEAT}) then 'REFRESH_REUSED'
        when s.expires_at <= now() or s.token_expires_at <= now() then 'EXPIRED'
        when u.disabled_at is not null then 'DISABLED'
        when s.refresh_hash = $4::bytea then 'ROTATE'
        else 'REPEAT' end as verdict
    from found s join users u on u.id = s.user_id
), rotated as (
    update sessions s set
        refresh_hash = $5::bytea, previous_refresh_hash = $4::bytea, refreshed_at = now(), last_seen_at = now(),
        expires_at = least(now() + {_IDLE}, s.created_at + {_ABSOLUTE})
    from judged j where s.id = j.id and j.verdict = 'ROTATE'
), added as (
    insert into refresh_tokens (token_hash, session_id, expires_at)
    select $5::bytea, id, least(now() + {_REFRESH}, created_at + {_ABSOLUTE}) from judged where verdict = 'ROTATE'
), ended as (
    update sessions s set revoked_at = now()
    from judged j where s.id = j.id and j.verdict = 'REFRESH_REUSED'
    returning s.id
), {recorded("session.refresh_reused", "ended")}
select verdict, id, user_id, role, organization_id, grants from judged
"""

ACCOUNT = """
select s.user_id from refresh_tokens t join sessions s on s.id = t.session_id where t.token_hash = $1::bytea
"""

CURRENT = f"""
select s.id, s.created_at, s.expires_at, {USER}, {GRANTS_OF_USER}
from sessions s join users u on u.id = s.user_id
where s.id = $1 and {_LIVE}
"""

GET = f"select {COLUMNS} from sessions s where s.id = $1 and {_LIVE}"

PAGE = f"""
select {COLUMNS} from sessions s
where s.user_id = $1 and {_LIVE} and ($2::text is null or s.id < $2) order by s.id desc limit $3
"""

REVOKE = f"""
with ended as (
    update sessions set revoked_at = now()
    where id = $4 and ($5::text is null or user_id = $5) and revoked_at is null and {stands(6)}
    returning id
), {recorded("session.revoked", "ended")}
select id from ended
"""

SIGN_OUT = f"""
with ended as (
    update sessions s set revoked_at = now()
    where revoked_at is null and (s.id = $4 or s.id = (select session_id from refresh_tokens where token_hash = $5::bytea))
    returning s.id, s.workos_session_id
), {recorded("session.revoked", "ended")}
select workos_session_id from ended order by workos_session_id nulls last
"""

REVOKE_ALL = f"""
with ended as (
    update sessions set revoked_at = now() where user_id = $4 and revoked_at is null and {stands(5)} returning id
), {recorded("session.revoked", "ended")}
select count(*) as revoked from ended
"""
