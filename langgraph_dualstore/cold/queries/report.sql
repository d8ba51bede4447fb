-- Tell how much there is. Many rows are not counted: what ANALYZE found will do.
WITH
    tables AS (
        SELECT c.oid, c.relname, c.reltuples
        FROM pg_catalog.pg_class AS c
        INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE
            n.nspname = %(schema)s
            AND c.relname IN (
                'prompt_sessions', 'prompt_messages', 'prompt_turns', 'prompt_entries'
            )
    ),

    estimates AS (
        SELECT
            max(t.reltuples) FILTER (WHERE t.relname = 'prompt_sessions') AS sessions,
            max(t.reltuples) FILTER (WHERE t.relname = 'prompt_messages') AS messages,
            sum(pg_total_relation_size(t.oid)) AS size
        FROM tables AS t
    )

SELECT
    current_setting('server_version') AS server,
    (SELECT max(m.number) FROM {schema}.dualstore_migrations AS m) AS version,
    CASE
        WHEN e.sessions > 100000 THEN e.sessions::bigint
        ELSE (SELECT count(*) FROM {schema}.prompt_sessions AS s WHERE s.deleted_at IS NULL)
    END AS sessions,
    CASE
        WHEN e.messages > 100000 THEN e.messages::bigint
        ELSE (SELECT count(*) FROM {schema}.prompt_messages)
    END AS messages,
    e.size::bigint AS size
FROM estimates AS e
