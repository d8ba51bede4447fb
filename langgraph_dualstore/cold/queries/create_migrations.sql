-- Make the table of the migrations that have run if it is missing.
CREATE TABLE IF NOT EXISTS {schema}.dualstore_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
