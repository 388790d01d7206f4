-- What happened, as callers report it. Ordered by type and time, which is how it is read.

create table if not exists events (
    ulid   String,
    ts     DateTime64(3, 'UTC') default now64(3, 'UTC'),
    type   LowCardinality(String),
    id     String,
    source LowCardinality(String),
    data   JSON
)
engine = MergeTree
order by (type, ts, ulid)
ttl toDateTime(ts) + interval 400 day
settings non_replicated_deduplication_window = 1000;

-- How the services answered, one row a probe.
create table if not exists service_health (
    ts         DateTime64(3, 'UTC') default now64(3, 'UTC'),
    service    LowCardinality(String),
    status     LowCardinality(String),
    latency_ms Float64
)
engine = MergeTree
order by (service, ts)
ttl toDateTime(ts) + interval 400 day
settings non_replicated_deduplication_window = 1000;
