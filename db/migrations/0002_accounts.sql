-- Users, what they may do, their API keys and sessions. Of a credential only a hash is stored.

create table users (
    id              text        primary key default uuidv7()::text,
    email           text        not null,
    name            text,
    role            text        not null default 'user',
    email_verified  boolean     not null default false,
    workos_id       text        unique,
    organization_id text,
    disabled_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);

create unique index users_email on users (lower(email));

create table api_keys (
    id              text        primary key default uuidv7()::text,
    user_id         text        not null references users (id) on delete cascade,
    organization_id text,
    name            text        not null,
    key_hash        bytea       not null unique check (octet_length(key_hash) = 32),
    prefix          text        not null,
    last4           text        not null,
    environment     text        not null check (environment in ('live', 'test')),
    scopes          text[],
    replaced_by     text        references api_keys (id) on delete set null,
    rate_limit      integer     check (rate_limit > 0),
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    created_at      timestamptz not null default now()
);

create index api_keys_of_user on api_keys (user_id, id desc);
create index api_keys_expiring on api_keys (expires_at) where expires_at is not null;

create table sessions (
    id                text        primary key default uuidv7()::text,
    user_id           text        not null references users (id) on delete cascade,
    workos_session_id text,
    device            text,
    ip_address        text,
    user_agent        text,
    created_at        timestamptz not null default now(),
    last_seen_at      timestamptz not null default now(),
    expires_at        timestamptz not null,
    revoked_at        timestamptz,
    -- The refresh token of today and the one before: what a rotation decides by stands in the one row it locks.
    refresh_hash          bytea check (octet_length(refresh_hash) = 32),
    previous_refresh_hash bytea check (octet_length(previous_refresh_hash) = 32),
    refreshed_at          timestamptz
);

create index sessions_of_user on sessions (user_id, id desc);
create index sessions_expiring on sessions (expires_at);
create index sessions_revoked on sessions (revoked_at) where revoked_at is not null;

-- Every refresh token a session ever had, as HMAC-SHA256: one presented after its time is recognised.
create table refresh_tokens (
    token_hash bytea       primary key check (octet_length(token_hash) = 32),
    session_id text        not null references sessions (id) on delete cascade,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);

create index refresh_tokens_of_session on refresh_tokens (session_id);

-- One row per sign-in under way; taking it out is what makes a state single use.
create table oauth_states (
    state_hash bytea       primary key check (octet_length(state_hash) = 32),
    expires_at timestamptz not null
);

create index oauth_states_expiring on oauth_states (expires_at);

create table organizations (
    id         text        primary key default uuidv7()::text,
    workos_id  text        unique,
    name       text        not null,
    event_at   timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- `event_at`: the WorkOS event the row is as of; an older one that arrives later changes nothing.
create table memberships (
    user_id         text        not null references users (id) on delete cascade,
    organization_id text        not null references organizations (id) on delete cascade,
    workos_id       text        unique,
    role            text        not null,
    event_at        timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (user_id, organization_id)
);

create index memberships_of_organization on memberships (organization_id, user_id);

-- Grants beyond the role's. organization_id null: everywhere.
create table permissions (
    id              text        primary key default uuidv7()::text,
    user_id         text        not null references users (id) on delete cascade,
    permission      text        not null,
    organization_id text,
    granted_by      text,
    created_at      timestamptz not null default now(),
    unique nulls not distinct (user_id, permission, organization_id)
);

create table webhook_events (
    id          text        primary key,
    type        text        not null,
    occurred_at timestamptz not null,
    payload     jsonb       not null,
    received_at timestamptz not null default now()
);

create table audit_log (
    id         bigint      generated always as identity primary key,
    at         timestamptz not null default now(),
    actor      text        not null,
    action     text        not null,
    target     text        not null default '',
    ip_address text,
    request_id text,
    details    jsonb       not null default '{}'
);

create index audit_log_of_actor on audit_log (actor, id desc);
create index audit_log_of_target on audit_log (target, id desc);

create function audit_log_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_log is append-only' using errcode = 'insufficient_privilege';
end
$$;

create trigger audit_log_append_only before update or delete on audit_log
    for each row execute function audit_log_is_append_only();
create trigger audit_log_not_emptied before truncate on audit_log
    for each statement execute function audit_log_is_append_only();
