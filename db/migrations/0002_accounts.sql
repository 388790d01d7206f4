-- Users, their API keys and sessions. Credentials are stored as SHA-256 only.

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
    rate_limit      integer     check (rate_limit > 0),
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    created_at      timestamptz not null default now()
);

create index api_keys_of_user on api_keys (user_id, created_at desc, id desc);
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
    revoked_at        timestamptz
);

create index sessions_of_user on sessions (user_id, created_at desc, id desc);
create index sessions_expiring on sessions (expires_at);
create index sessions_revoked on sessions (revoked_at) where revoked_at is not null;

-- One row per sign-in under way; taking it out is what makes a state single use.
create table oauth_states (
    state_hash bytea       primary key check (octet_length(state_hash) = 32),
    expires_at timestamptz not null
);

create index oauth_states_expiring on oauth_states (expires_at);
