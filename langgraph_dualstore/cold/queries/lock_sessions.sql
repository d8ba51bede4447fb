-- Lock threads, always in the same order, and say what their archives go on from.
SELECT s.thread_key, s.id, s.mark, s.message_count, s.turn_count
FROM {schema}.prompt_sessions AS s
WHERE s.thread_key = ANY (%(thread_keys)b::bytea[])
ORDER BY s.thread_key
FOR UPDATE
