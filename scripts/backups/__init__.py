"""Restoring what the schedule Worker's task `backup-database` wrote: fetched, verified, loaded, and compared once more."""
