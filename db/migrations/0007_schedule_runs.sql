-- Policies of tasks; leases, tokens and waiting retries of their runs.

alter table scheduled_tasks
    add column metadata        jsonb            not null default '{}',
    add column timeout_s       integer          not null default 29 check (timeout_s between 1 and 180),
    add column max_attempts    integer          not null default 3 check (max_attempts between 1 and 20),
    add column retry_base_s    double precision not null default 1 check (retry_base_s between 0 and 3600),
    add column retry_cap_s     double precision not null default 60 check (retry_cap_s between 0 and 86400),
    add column misfire_grace_s integer          check (misfire_grace_s between 0 and 31536000),
    -- Instants up to this one are not owed: the task was not there yet, had another schedule or was disabled.
    add column due_after       timestamptz;

-- The default tasks that this database was given once: one that was deleted does not come back.
create table offered_defaults (
    name text primary key
);
insert into offered_defaults select name from scheduled_tasks;

alter table task_executions drop constraint task_executions_status_check;
update task_executions
set status = 'dead', finished_at = coalesce(finished_at, now()), error_code = coalesce(error_code, 'LEASE_EXPIRED')
where status in ('running', 'failed');

-- `failed` is an attempt that another one follows, `dead` the last one of a run that failed for good.
alter table task_executions
    add constraint task_executions_status_check
        check (status in ('running', 'succeeded', 'failed', 'dead', 'skipped', 'missed')),
    -- Fences off a holder whose lease was taken over, and orders attempts by their start.
    add column token            bigint generated always as identity,
    add column attempts_left    integer not null default 0 check (attempts_left >= 0),
    add column lease_expires_at timestamptz,
    add column next_attempt_at  timestamptz,
    add column idempotency_key  text;

create unique index task_executions_token on task_executions (token);
-- A task never runs twice at a time, whoever starts it.
create unique index task_executions_running on task_executions (task) where status = 'running';
create index task_executions_waiting on task_executions (task) where next_attempt_at is not null;
create unique index task_executions_once on task_executions (idempotency_key) where idempotency_key is not null;
create index task_executions_by_status on task_executions (status, token desc);
drop index task_executions_of_task;
create index task_executions_of_task on task_executions (task, token desc);
