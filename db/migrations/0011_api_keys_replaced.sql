-- A key that is deleted is taken out of the one it replaced; without this each is looked for in the whole table.

create index api_keys_replaced on api_keys (replaced_by) where replaced_by is not null;
