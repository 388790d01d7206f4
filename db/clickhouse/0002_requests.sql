-- One row a request of the gateway, and what is asked of them by the hour and by the day. Each table knows the tokens of its last
-- inserts, so that a repeated insert counts nowhere twice.

create table if not exists api_requests (
    time          DateTime64(3, 'UTC') default now64(3, 'UTC'),
    request_id    String,
    route         LowCardinality(String),
    method        LowCardinality(String),
    status        UInt16,
    duration_ms   Float64,
    identity      LowCardinality(String),
    key_id        String,
    user_id       String,
    organization  String,
    bytes_in      UInt64,
    bytes_out     UInt64,
    colo          LowCardinality(String)
)
engine = MergeTree
order by (route, time)
ttl toDateTime(time) + interval 400 day
settings non_replicated_deduplication_window = 1000;

create table if not exists api_requests_hourly (
    hour      DateTime('UTC'),
    route     LowCardinality(String),
    requests  AggregateFunction(count),
    errors    AggregateFunction(countIf, UInt8),
    users     AggregateFunction(uniq, String),
    durations AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64)
)
engine = AggregatingMergeTree
order by (route, hour)
settings non_replicated_deduplication_window = 1000;

create materialized view if not exists api_requests_to_hourly to api_requests_hourly as
select
    toStartOfHour(time) as hour,
    route,
    countState() as requests,
    countIfState(status >= 500) as errors,
    uniqState(user_id) as users,
    quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) as durations
from api_requests
group by hour, route;

create table if not exists api_requests_daily (
    day       Date,
    route     LowCardinality(String),
    requests  AggregateFunction(count),
    errors    AggregateFunction(countIf, UInt8),
    users     AggregateFunction(uniq, String),
    durations AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64)
)
engine = AggregatingMergeTree
order by (route, day)
settings non_replicated_deduplication_window = 1000;

create materialized view if not exists api_requests_to_daily to api_requests_daily as
select
    toDate(time, 'UTC') as day,
    route,
    countState() as requests,
    countIfState(status >= 500) as errors,
    uniqState(user_id) as users,
    quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) as durations
from api_requests
group by day, route;

create table if not exists events_hourly (
    hour   DateTime('UTC'),
    type   LowCardinality(String),
    events AggregateFunction(count),
    ids    AggregateFunction(uniq, String)
)
engine = AggregatingMergeTree
order by (type, hour)
settings non_replicated_deduplication_window = 1000;

create materialized view if not exists events_to_hourly to events_hourly as
select toStartOfHour(ts) as hour, type, countState() as events, uniqState(id) as ids
from events
group by hour, type;

create table if not exists events_daily (
    day    Date,
    type   LowCardinality(String),
    events AggregateFunction(count),
    ids    AggregateFunction(uniq, String)
)
engine = AggregatingMergeTree
order by (type, day)
settings non_replicated_deduplication_window = 1000;

create materialized view if not exists events_to_daily to events_daily as
select toDate(ts, 'UTC') as day, type, countState() as events, uniqState(id) as ids
from events
group by day, type;
