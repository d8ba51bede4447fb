-- Count what `purge` would remove.
WITH old AS (
    SELECT s.id, s.last_activity_at IS NOT NULL AS whole
    FROM {schema}.prompt_sessions AS s
    WHERE greatest(s.last_activity_at, s.deleted_at) < %(before)s
)
SELECT
    (SELECT count(*) FROM old WHERE whole),
    (SELECT count(*) FROM {schema}.prompt_messages AS m JOIN old ON old.id = m.session_id),
    (SELECT count(*) FROM {schema}.prompt_turns AS t JOIN old ON old.id = t.session_id),
    (SELECT count(*) FROM {schema}.prompt_entries AS e JOIN old ON old.id = e.session_id),
    (SELECT count(*) FROM old WHERE NOT whole)
