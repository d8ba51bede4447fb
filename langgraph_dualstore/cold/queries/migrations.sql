-- Tell which migrations have run.
SELECT number FROM {schema}.dualstore_migrations
