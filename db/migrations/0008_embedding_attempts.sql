-- Things whose embedding was ordered, or could not be made: they are not tried again each day.

create table embedding_attempts (
    ns      text        not null,
    id      text        not null,
    at      timestamptz not null default now(),
    outcome text        not null check (outcome in ('queued', 'failed')),
    primary key (ns, id),
    foreign key (ns, id) references things (ns, id) on delete cascade
);
