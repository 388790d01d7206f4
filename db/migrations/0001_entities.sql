-- Entities and the edges between them. The primary key (ns, id) is the caller's; any text may stand in it.

create extension if not exists vector;

create table things (
    ns              text        not null,
    id              text        not null,
    type            text        not null,
    content         text,
    code            text,
    data            jsonb       not null default '{}',
    visibility      text        not null default 'public' check (visibility in ('public', 'private', 'unlisted')),
    embedding       vector(768),
    embedding_model text,
    -- to_tsvector over jsonb takes the string values and leaves keys and numbers out.
    search          tsvector    not null generated always as (
        setweight(to_tsvector('english', coalesce(content, '')), 'A')
        || setweight(to_tsvector('english', type), 'B')
        || setweight(to_tsvector('english', data), 'C')
    ) stored,
    version         bigint      not null default 1,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (ns, id)
);

-- Keyset pages of a namespace and of one type in it, in each order they are offered in. The primary key is one of them.
create index things_newest on things (ns, created_at desc, id desc);
create index things_newest_of_type on things (ns, type, created_at desc, id desc);
create index things_changed on things (ns, updated_at desc, id desc);
create index things_changed_of_type on things (ns, type, updated_at desc, id desc);
create index things_of_type on things (ns, type, id);

create table relationships (
    ns         text        not null,
    id         text        not null,
    type       text        not null,
    from_ns    text        not null,
    from_id    text        not null,
    to_ns      text        not null,
    to_id      text        not null,
    data       jsonb       not null default '{}',
    code       text,
    visibility text        not null default 'public' check (visibility in ('public', 'private', 'unlisted')),
    version    bigint      not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (ns, id)
);

-- Both directions, of one type and of all; the same of a namespace. A thing with very many edges has its pages, too.
create index relationships_outgoing on relationships (from_ns, from_id, type, created_at desc, ns desc, id desc);
create index relationships_outgoing_newest on relationships (from_ns, from_id, created_at desc, ns desc, id desc);
create index relationships_incoming on relationships (to_ns, to_id, type, created_at desc, ns desc, id desc);
create index relationships_incoming_newest on relationships (to_ns, to_id, created_at desc, ns desc, id desc);
create index relationships_newest on relationships (ns, created_at desc, id desc);
create index relationships_newest_of_type on relationships (ns, type, created_at desc, id desc);
