-- Events of WorkOS are kept for a month; the hourly clean-up finds the older ones by this, and the data of deleted objects.

create index webhook_events_received_at on webhook_events (received_at);

create index workos_objects_deleted_at on workos_objects (event_at) where deleted and data <> '{}';
