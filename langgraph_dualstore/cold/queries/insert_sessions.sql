-- Take up threads that nobody has archived yet; those that somebody has are left out.
INSERT INTO {schema}.prompt_sessions AS s (
    thread_key, thread_id, thread_bytes, user_id, status, started_at, ended_at,
    last_activity_at, archived_at, turn_count, message_count, token_count, attributes, mark,
    checkpoint_id, generation, delta
)
SELECT
    g.thread_key, g.thread_id, g.thread_bytes, g.user_id, g.status, g.started_at, g.ended_at,
    g.last_activity_at, now(), g.turn_count, g.message_count, g.tokens, g.attributes::jsonb,
    g.mark, g.checkpoint_id, g.generation, g.delta
FROM unnest(
    %(thread_key)b::bytea[], %(thread_id)s::text[], %(thread_bytes)b::bytea[],
    %(user_id)s::text[], %(status)s::text[], %(started_at)s::timestamptz[],
    %(ended_at)s::timestamptz[], %(last_activity_at)s::timestamptz[],
    %(turn_count)s::integer[], %(message_count)s::integer[], %(tokens)s::bigint[],
    %(attributes)s::text[], %(mark)s::text[], %(checkpoint_id)s::text[],
    %(generation)s::text[], %(delta)s::boolean[]
) AS g (
    thread_key, thread_id, thread_bytes, user_id, status, started_at, ended_at,
    last_activity_at, turn_count, message_count, tokens, attributes, mark, checkpoint_id,
    generation, delta
)
ORDER BY g.thread_key
ON CONFLICT (thread_key) DO NOTHING
RETURNING s.thread_key, s.id
