-- Search by words and by meaning, and the limits every connection of this role works under.

create index things_search on things using gin (search);
create index things_embedding on things using hnsw (embedding vector_cosine_ops);

-- What still has no embedding, in the order it is worked off.
create index things_without_embedding on things (ns, id) where embedding is null;

-- A statement that asks for no other limit ends after ten seconds, whatever became of who sent it. A vector search with further
-- conditions goes on in the index until it has enough rows.
alter role current_user set statement_timeout = '10s';
alter role current_user set idle_in_transaction_session_timeout = '30s';
alter role current_user set hnsw.iterative_scan = 'strict_order';

-- RFC 7396, JSON Merge Patch: null takes a member away, an object merges, anything else replaces.
create function jsonb_merge_patch(target jsonb, patch jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    if jsonb_typeof(patch) <> 'object' then
        return patch;
    end if;
    return (
        select coalesce(jsonb_object_agg(
            coalesce(old.key, new.key),
            case when new.key is null then old.value else jsonb_merge_patch(old.value, new.value) end
        ), '{}'::jsonb)
        from jsonb_each(case when jsonb_typeof(target) = 'object' then target else '{}'::jsonb end) as old
        full join jsonb_each(patch) as new on new.key = old.key
        where new.key is null or new.value <> 'null'::jsonb
    );
end
$$;

-- The first answer to a write that carries a key, for 24 hours. Written in the same statement as the write itself.
create table idempotency_keys (
    scope       text        not null,
    key         text        not null,
    fingerprint bytea       not null check (octet_length(fingerprint) = 32),
    answer      jsonb       not null,
    created_at  timestamptz not null default now(),
    primary key (scope, key)
);

create index idempotency_keys_expiring on idempotency_keys (created_at);

-- Ends a transaction on purpose, with a code of our own that nothing else raises.
create function dotdo_abort() returns void language plpgsql as $$
begin
    raise exception 'taken back on purpose' using errcode = 'DD001';
end
$$;
