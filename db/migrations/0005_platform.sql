-- The tables of the services that keep their state here.

create table organizations (
    id         text        primary key default uuidv7()::text,
    workos_id  text        unique,
    name       text        not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table memberships (
    user_id         text        not null references users (id) on delete cascade,
    organization_id text        not null references organizations (id) on delete cascade,
    workos_id       text        unique,
    role            text        not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (user_id, organization_id)
);

create index memberships_of_organization on memberships (organization_id, user_id);

create table refresh_tokens (
    token_hash  bytea       primary key check (octet_length(token_hash) = 32),
    session_id  text        not null references sessions (id) on delete cascade,
    used_at     timestamptz,
    expires_at  timestamptz not null,
    created_at  timestamptz not null default now()
);

create index refresh_tokens_of_session on refresh_tokens (session_id);

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

create table webhook_events (
    id          text        primary key,
    type        text        not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null default now(),
    applied     boolean     not null default false,
    data        jsonb       not null
);

create table generations (
    id         text        primary key default uuidv7()::text,
    status     text        not null,
    data       jsonb       not null default '{}',
    created_at timestamptz not null default now()
);

create index generations_finished on generations (created_at) where status = 'completed';

create table analytics_snapshots (
    taken_at timestamptz primary key,
    period   text        not null,
    data     jsonb       not null
);
