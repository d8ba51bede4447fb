-- Make a thread deleted that nobody has archived yet.
INSERT INTO {schema}.prompt_sessions AS s (
    thread_key, thread_id, thread_bytes, mark, deleted_at
)
VALUES (%(thread_key)b, %(thread_id)s, %(thread_bytes)b, %(mark)s, now())
ON CONFLICT (thread_key) DO NOTHING
RETURNING s.id
