"""The cold tier: threads as rows of PostgreSQL."""
