-- What still has no embedding and shall have one, in the order it is worked off. With the types that never get one in it, each
-- look for the others would pass over all of those. The condition is the one of the queries (dotdo.contracts.values), as it
-- stands there.

drop index things_without_embedding;
create index things_without_embedding on things (ns, id)
    where embedding is null and type not in ('session', 'api_key', 'log');
