-- Return what is known of threads.
SELECT
    s.thread_key, s.thread_id, s.thread_bytes, s.user_id, s.status, s.started_at, s.ended_at,
    s.last_activity_at, s.archived_at, s.turn_count, s.message_count, s.token_count,
    s.attributes::text, s.deleted_at, s.checkpoint_id
FROM {schema}.prompt_sessions AS s
WHERE s.thread_key = ANY (%(thread_keys)b::bytea[]) AND (%(deleted)s OR s.deleted_at IS NULL)
