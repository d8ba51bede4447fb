-- Remove threads that were active or deleted last before some time, with all that is theirs.
WITH whole AS (
    SELECT s.id
    FROM {schema}.prompt_sessions AS s
    WHERE s.last_activity_at < %(before)s AND coalesce(s.deleted_at < %(before)s, true)
    ORDER BY s.last_activity_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), marks AS (
    SELECT s.id
    FROM {schema}.prompt_sessions AS s
    WHERE s.last_activity_at IS NULL AND s.deleted_at < %(before)s
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), old AS (
    SELECT id FROM whole
    UNION ALL
    SELECT id FROM marks
), messages AS (
    DELETE FROM {schema}.prompt_messages AS m USING old WHERE m.session_id = old.id RETURNING 1
), turns AS (
    DELETE FROM {schema}.prompt_turns AS t USING old WHERE t.session_id = old.id RETURNING 1
), entries AS (
    DELETE FROM {schema}.prompt_entries AS e USING old WHERE e.session_id = old.id RETURNING 1
), sessions AS (
    DELETE FROM {schema}.prompt_sessions AS s USING old WHERE s.id = old.id
    RETURNING s.last_activity_at IS NOT NULL AS whole
)
SELECT
    (SELECT count(*) FROM sessions WHERE whole), (SELECT count(*) FROM messages),
    (SELECT count(*) FROM turns), (SELECT count(*) FROM entries),
    (SELECT count(*) FROM sessions WHERE NOT whole)
