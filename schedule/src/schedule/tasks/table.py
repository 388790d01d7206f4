"""The built-in tasks: each name with its handler, and the schedules a new deployment starts with."""

from schedule.domain.registry import Registry, TaskDefinition
from schedule.tasks import (
    backup_database,
    check_rate_limits,
    cleanup_expired_api_keys,
    cleanup_expired_sessions,
    cleanup_old_generations,
    generate_missing_embeddings,
    health_check_services,
    update_analytics,
)

HANDLERS: Registry = {
    "cleanup-expired-sessions": cleanup_expired_sessions.run,
    "cleanup-expired-api-keys": cleanup_expired_api_keys.run,
    "cleanup-old-generations": cleanup_old_generations.run,
    "generate-missing-embeddings": generate_missing_embeddings.run,
    "update-analytics": update_analytics.run,
    "backup-database": backup_database.run,
    "health-check-services": health_check_services.run,
    "check-rate-limits": check_rate_limits.run,
}

DEFAULTS = (
    TaskDefinition("cleanup-expired-sessions", "@hourly", "Deletes sessions that ended more than a day ago."),
    TaskDefinition("cleanup-expired-api-keys", "@daily", "Deletes API keys that expired more than 30 days ago."),
    TaskDefinition("cleanup-old-generations", "@weekly", "Deletes completed generations older than 30 days."),
    TaskDefinition("generate-missing-embeddings", "@daily", "Embeds the things that have no embedding yet."),
    TaskDefinition("update-analytics", "@hourly", "Keeps what there is, and what the last hour was like."),
    TaskDefinition("backup-database", "@daily", "Backs PostgreSQL up into the bucket BACKUPS.", timeout_s=120),
    TaskDefinition("health-check-services", "every 5 minutes", "Asks each service for its health."),
    TaskDefinition("check-rate-limits", "@hourly", "Finds API keys that are close to their allowance."),
)
