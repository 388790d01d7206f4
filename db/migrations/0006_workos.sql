-- What WorkOS told of its objects in events, each as of the newest one. In whatever order events come, what is kept is the same:
-- an older one changes nothing, and what was deleted stays so (WorkOS uses no id twice).
create table workos_objects (
    id       text        primary key,
    type     text        not null,
    data     jsonb       not null,
    event_id text        not null,
    event_at timestamptz not null,
    deleted  boolean     not null default false
);

create index workos_memberships_of_user on workos_objects ((data ->> 'user_id')) where type = 'organization_membership';

-- `sso_profile_id`: who an organisation's identity provider says it is. `workos_as_of`: WorkOS's own time of what is known of
-- a user.
alter table users add column sso_profile_id text unique;
alter table users add column workos_as_of timestamptz;

create index sessions_of_workos on sessions (workos_session_id) where workos_session_id is not null;
