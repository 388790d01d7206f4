"""The built-in tasks: each name with its handler, and the schedules a new deployment starts with."""

from schedule.domain.registry import Registry, TaskDefinition
from schedule.tasks import cleanup_expired_sessions, health_check_services

HANDLERS: Registry = {
    "cleanup-expired-sessions": cleanup_expired_sessions.run,
    "health-check-services": health_check_services.run,
}

DEFAULTS = (
    TaskDefinition("cleanup-expired-sessions", "@hourly", "Deletes sessions that ended more than a day ago."),
    TaskDefinition("health-check-services", "every 5 minutes", "Asks each service for its health."),
)
