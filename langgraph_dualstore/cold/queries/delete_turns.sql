-- Delete a thread's turns.
DELETE FROM {schema}.prompt_turns
WHERE session_id = (
    SELECT s.id FROM {schema}.prompt_sessions AS s WHERE s.thread_key = %(thread_key)b
)
