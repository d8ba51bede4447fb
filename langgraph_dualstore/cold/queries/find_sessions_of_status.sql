-- Return threads that stand in some way, the one that was active last first.
SELECT
    s.id, s.thread_id, s.thread_bytes, s.user_id, s.status, s.started_at, s.ended_at,
    s.last_activity_at, s.archived_at, s.turn_count, s.message_count, s.token_count,
    s.attributes::text, s.deleted_at, s.checkpoint_id
FROM {schema}.prompt_sessions AS s
WHERE
    s.status = %(status)s
    AND (s.last_activity_at, s.id) < (
        coalesce(%(at)s::timestamptz, 'infinity'), coalesce(%(id)s::bigint, 0)
    )
    AND s.last_activity_at >= coalesce(%(since)s::timestamptz, '-infinity')
    AND (%(deleted)s OR s.deleted_at IS NULL)
ORDER BY s.last_activity_at DESC, s.id DESC
LIMIT %(limit)s
