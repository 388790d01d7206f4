-- Scheduled tasks and every attempt to run them.

create table scheduled_tasks (
    name              text        primary key check (name ~ '^[a-z0-9-]{1,64}$'),
    schedule          text        not null,
    handler           text        not null,
    enabled           boolean     not null default true,
    description       text        not null default '',
    last_scheduled_at timestamptz,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now()
);

-- run_id is task@scheduled_ms: the primary key makes a duplicate cron event a no-op.
create table task_executions (
    run_id        text        not null,
    attempt       integer     not null default 1 check (attempt > 0),
    task          text        not null,
    trigger       text        not null check (trigger in ('cron', 'manual', 'retry', 'catch-up')),
    status        text        not null check (status in ('running', 'succeeded', 'failed', 'skipped')),
    scheduled_at  timestamptz not null,
    started_at    timestamptz not null default now(),
    finished_at   timestamptz,
    duration_ms   integer,
    result        jsonb,
    error_code    text,
    error_message text,
    primary key (run_id, attempt)
);

create index task_executions_newest on task_executions (started_at desc, run_id desc, attempt desc);
create index task_executions_of_task on task_executions (task, started_at desc, run_id desc, attempt desc);
