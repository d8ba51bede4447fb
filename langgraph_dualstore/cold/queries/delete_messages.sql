-- Delete a thread's messages.
DELETE FROM {schema}.prompt_messages
WHERE session_id = (
    SELECT s.id FROM {schema}.prompt_sessions AS s WHERE s.thread_key = %(thread_key)b
)
