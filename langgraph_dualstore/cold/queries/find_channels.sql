-- Find all messages of some channels; `thread` counts the given threads.
SELECT g.thread, m.channel, m.message_id, m.id, m.token_count, m.removed_at
FROM unnest(%(thread)s::integer[], %(channel)s::text[]) AS g (thread, channel)
JOIN {schema}.prompt_sessions AS s
    ON s.thread_key = (%(thread_keys)b::bytea[])[g.thread + 1]
JOIN {schema}.prompt_messages AS m ON m.session_id = s.id AND m.channel = g.channel
