-- Delete a thread's entries.
DELETE FROM {schema}.prompt_entries
WHERE session_id = (
    SELECT s.id FROM {schema}.prompt_sessions AS s WHERE s.thread_key = %(thread_key)b
)
