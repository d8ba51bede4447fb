-- Lock a thread, and say whether more than a mark is there.
SELECT s.mark, s.deleted_at IS NULL OR s.last_activity_at IS NOT NULL
FROM {schema}.prompt_sessions AS s
WHERE s.thread_key = %(thread_key)b
FOR UPDATE
