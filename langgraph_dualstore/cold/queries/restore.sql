-- Return a thread's entries in order, each with what holds for all of them.
SELECT s.mark, s.generation, s.delta, e.kind, e.position, e.data
FROM {schema}.prompt_sessions AS s
JOIN {schema}.prompt_entries AS e ON e.session_id = s.id
WHERE s.thread_key = %(thread_key)b AND s.deleted_at IS NULL
ORDER BY e.kind, e.position
