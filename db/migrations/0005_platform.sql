-- The tables of the services that keep their state here.

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
