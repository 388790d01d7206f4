"""The SQL of API keys. `m` is the key that asks, when it is one; a change and its record are one statement."""

from auth.domain.askers import HELD, stands
from auth.domain.audit import recorded
from auth.domain.roles import GRANTS_OF_USER, acting_in

COLUMNS = (
    "id, name, prefix, last4, environment, scopes, organization_id, rate_limit, expires_at, revoked_at,"
    " last_used_at, created_at"
)

_WORKS = "revoked_at is null and (expires_at is null or expires_at > now())"

COUNT = f"select count(*) as working_keys from api_keys where user_id = $1 and {_WORKS}"


def _room(owner: str, number: int) -> str:
    """A condition: no more than $`number` of the owner's work. Counted when the owner is locked: nobody adds one meanwhile."""
    return f"(select count(*) from api_keys where user_id = {owner} and {_WORKS}) <= ${number}::integer"


# `k`: the key to be. One that a key makes is of that one's organisation, a person's of the person's.
OWNER = f"""
select u.role, k.organization_id, {acting_in("k")}, m.environment as maker_environment, m.expires_at as maker_expires_at,
       {GRANTS_OF_USER}
from users u left join api_keys m on m.id = $2
    cross join lateral (select case when m.id is null then u.organization_id else m.organization_id end) k (organization_id)
where u.id = $1 and u.disabled_at is null
"""

LOCK_OWNER = "select id from users where id = $1 for no key update"
"""Before COUNT, INSERT and ROTATE, in their transaction: the keys of a user are made one at a time."""

INSERT = f"""
with made as (
    insert into api_keys
        (user_id, name, key_hash, prefix, last4, environment, scopes, rate_limit, expires_at, organization_id)
    select $4, $5, $6::bytea, $7, $8, $9, $10::text[], $11::integer, $12::timestamptz, $13
    where {_room("$4", 15)} and {stands(14, lock=HELD)}
    returning {COLUMNS}
), {recorded("api_key.created", "made")}
select {COLUMNS} from made
"""

# A key rotates those of its own organisation alone: what comes of it is of the same as the old one.
ROTATABLE = f"""
select k.environment, k.scopes, {acting_in("k")}, u.role,
       m.environment as maker_environment, m.expires_at as maker_expires_at, {GRANTS_OF_USER}
from api_keys k join users u on u.id = k.user_id left join api_keys m on m.id = $2
where k.user_id = $1 and k.id = $3 and u.disabled_at is null and k.replaced_by is null
  and (m.id is null or k.organization_id is not distinct from m.organization_id)
  and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
"""

# A key that rotates a key does not outlive either; a person starts the key's term anew.
ROTATE = f"""
with old as (
    select *, expires_at - created_at as term from api_keys k
    where id = $4 and replaced_by is null and {_WORKS} and {_room("k.user_id", 12)} and {stands(11, lock=HELD)} for update
), made as (
    insert into api_keys
        (user_id, name, key_hash, prefix, last4, environment, scopes, rate_limit, expires_at, organization_id)
    select user_id, name, $5::bytea, $6::text, $7::text, environment, scopes, rate_limit,
           case when $10::boolean then least(expires_at, $9::timestamptz) else now() + term end, organization_id
    from old
    returning {COLUMNS}
), replaced as (
    update api_keys k set
        replaced_by = made.id,
        revoked_at = case when $8::integer = 0 then now() end,
        expires_at = case when $8::integer = 0 then k.expires_at
                          else least(k.expires_at, now() + make_interval(hours => $8::integer)) end
    from made where k.id = $4
    returning k.id, made.id as successor
), {recorded("api_key.rotated", "replaced", details="jsonb_build_object('replaced_by', successor)")}
select {COLUMNS} from made
"""

GET = f"select {COLUMNS} from api_keys where user_id = $1 and id = $2"

PAGE = f"""
select {COLUMNS} from api_keys
where user_id = $1 and revoked_at is null and ($2::text is null or id < $2)
order by id desc limit $3
"""

REVOKE = f"""
with ended as (
    update api_keys set revoked_at = now() where user_id = $4 and id = $5 and revoked_at is null and {stands(6)} returning id
), {recorded("api_key.revoked", "ended")}
select id from ended
"""
