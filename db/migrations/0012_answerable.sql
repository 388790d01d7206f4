-- A row that is stored can be read. Neon answers with 10 MiB of values at most, and what is stored is not bounded by what one request
-- holds: patches add up, jsonb's text has spaces, and writes 1e300 out with all of its digits. Such a row would fail its own write,
-- which has happened by then, each read of it and each list and search that it is in.
--
-- 9 MiB: the rest of an answer is the row's other columns and its embedding. What is older is not looked at (`not valid`) until it is
-- written again.

-- A check can say what is wrong by its own SQLSTATE alone: 54000, too long to be stored.
create function dotdo_too_large() returns boolean language plpgsql as $$
begin
    raise exception 'larger than an answer may be' using errcode = 'program_limit_exceeded';
end
$$;

-- `case`, since it keeps the order: nothing is called for a row that fits.
alter table things add constraint things_answerable check (
    case when octet_length(data::text) + coalesce(octet_length(content), 0) + coalesce(octet_length(code), 0) <= 9 * 1024 * 1024
        then true else dotdo_too_large() end
) not valid;

alter table relationships add constraint relationships_answerable check (
    case when octet_length(data::text) + coalesce(octet_length(code), 0) <= 9 * 1024 * 1024
        then true else dotdo_too_large() end
) not valid;

-- The first answer to a write with a key is that row as JSON, where a line break in `content` is two characters.
alter table idempotency_keys add constraint idempotency_keys_answerable check (
    case when octet_length(answer::text) <= 9 * 1024 * 1024 then true else dotdo_too_large() end
) not valid;
