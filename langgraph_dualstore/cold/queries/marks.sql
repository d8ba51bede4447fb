-- Tell what is known of threads: their marks, whether they were deleted, and their newest checkpoints.
SELECT s.thread_key, s.mark, s.deleted_at IS NOT NULL, s.checkpoint_id
FROM {schema}.prompt_sessions AS s
WHERE s.thread_key = ANY (%(thread_keys)b::bytea[])
