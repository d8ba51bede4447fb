-- Make a thread one that nobody can name: what is left is a digest of its id, and a mark.
UPDATE {schema}.prompt_sessions AS s
SET
    thread_id = '',
    thread_bytes = NULL,
    user_id = NULL,
    status = NULL,
    started_at = NULL,
    ended_at = NULL,
    last_activity_at = NULL,
    archived_at = NULL,
    turn_count = 0,
    message_count = 0,
    token_count = NULL,
    attributes = '{{}}',
    deleted_at = now(),
    mark = %(mark)s,
    checkpoint_id = '',
    generation = '',
    delta = false
WHERE s.thread_key = %(thread_key)b
