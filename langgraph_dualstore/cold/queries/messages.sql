-- Return a thread's messages in order.
SELECT
    m.position, m.turn, m.removed_at, m.message_id, m.channel, m.role::text, m.content,
    m.token_count, m.created_at, m.meta::text
FROM {schema}.prompt_messages AS m
JOIN {schema}.prompt_sessions AS s ON s.id = m.session_id
WHERE s.thread_key = %(thread_key)b AND (%(include_removed)s OR m.removed_at IS NULL)
ORDER BY m.position
