-- Find those of some messages that are there; `thread` counts the given threads.
-- OFFSET keeps the planner from joining with all messages of a session first.
SELECT g.thread, m.channel, m.message_id, m.id, m.token_count, m.removed_at
FROM unnest(%(thread)s::integer[], %(channel)s::text[], %(message_id)s::text[])
    AS g (thread, channel, message_id)
JOIN {schema}.prompt_sessions AS s
    ON s.thread_key = (%(thread_keys)b::bytea[])[g.thread + 1]
CROSS JOIN LATERAL (
    SELECT m.channel, m.message_id, m.id, m.token_count, m.removed_at
    FROM {schema}.prompt_messages AS m
    WHERE
        m.session_id = s.id AND m.channel = g.channel AND m.message_id = g.message_id
    OFFSET 0
) AS m
