-- How the services answered by the hour and by the day, from now on. An error is any status but `ok`.

create table if not exists service_health_hourly (
    hour      DateTime('UTC'),
    service   LowCardinality(String),
    probes    AggregateFunction(count),
    errors    AggregateFunction(countIf, UInt8),
    latencies AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64)
)
engine = AggregatingMergeTree
order by (service, hour)
settings non_replicated_deduplication_window = 1000;

create materialized view if not exists service_health_to_hourly to service_health_hourly as
select
    toStartOfHour(ts) as hour,
    service,
    countState() as probes,
    countIfState(status <> 'ok') as errors,
    quantilesTDigestState(0.5, 0.95, 0.99)(latency_ms) as latencies
from service_health
group by hour, service;

create table if not exists service_health_daily (
    day       Date,
    service   LowCardinality(String),
    probes    AggregateFunction(count),
    errors    AggregateFunction(countIf, UInt8),
    latencies AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64)
)
engine = AggregatingMergeTree
order by (service, day)
settings non_replicated_deduplication_window = 1000;

create materialized view if not exists service_health_to_daily to service_health_daily as
select
    toDate(ts, 'UTC') as day,
    service,
    countState() as probes,
    countIfState(status <> 'ok') as errors,
    quantilesTDigestState(0.5, 0.95, 0.99)(latency_ms) as latencies
from service_health
group by day, service;
