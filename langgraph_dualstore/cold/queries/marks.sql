-- Tell what is known of threads: their marks, and whether they were deleted.
SELECT s.thread_key, s.mark, s.deleted_at IS NOT NULL
FROM {schema}.prompt_sessions AS s
WHERE s.thread_key = ANY (%(thread_keys)b::bytea[])
