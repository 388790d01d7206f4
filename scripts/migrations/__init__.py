"""Forward-only migrations: numbered SQL files, applied in order, each recorded in its store's table `schema_migrations`."""
