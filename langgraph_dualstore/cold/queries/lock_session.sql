-- Lock a thread, and say whether it is there for anyone to see.
SELECT s.id, s.mark, s.deleted_at IS NOT NULL
FROM {schema}.prompt_sessions AS s
WHERE s.thread_key = %(thread_key)b
FOR UPDATE
