-- Say how threads stand that had been archived before; of one whose newest state is here
-- already, only what its messages change.
UPDATE {schema}.prompt_sessions AS s
SET
    thread_id = g.thread_id,
    thread_bytes = g.thread_bytes,
    user_id = coalesce(g.user_id, s.user_id),
    status = CASE WHEN g.newest THEN g.status ELSE s.status END,
    started_at = least(s.started_at, g.started_at),
    ended_at = CASE WHEN g.newest THEN g.ended_at ELSE s.ended_at END,
    last_activity_at = CASE WHEN g.newest THEN g.last_activity_at ELSE s.last_activity_at END,
    archived_at = now(),
    turn_count = g.turn_count,
    message_count = g.message_count,
    token_count = CASE
        WHEN g.recount THEN (
            SELECT sum(m.token_count)
            FROM {schema}.prompt_messages AS m
            WHERE m.session_id = s.id
        )
        WHEN g.tokens IS NULL THEN s.token_count
        ELSE coalesce(s.token_count, 0) + g.tokens
    END,
    attributes = CASE WHEN g.newest THEN g.attributes::jsonb ELSE s.attributes END,
    deleted_at = NULL,
    mark = g.mark,
    checkpoint_id = CASE WHEN g.newest THEN g.checkpoint_id ELSE s.checkpoint_id END,
    generation = CASE WHEN g.newest THEN g.generation ELSE s.generation END,
    delta = CASE WHEN g.newest THEN g.delta ELSE s.delta END
FROM unnest(
    %(id)s::bigint[], %(thread_id)s::text[], %(thread_bytes)b::bytea[], %(user_id)s::text[],
    %(status)s::text[], %(started_at)s::timestamptz[], %(ended_at)s::timestamptz[],
    %(last_activity_at)s::timestamptz[], %(turn_count)s::integer[],
    %(message_count)s::integer[], %(tokens)s::bigint[],
    %(recount)s::boolean[], %(newest)s::boolean[], %(attributes)s::text[], %(mark)s::text[],
    %(checkpoint_id)s::text[], %(generation)s::text[], %(delta)s::boolean[]
) AS g (
    id, thread_id, thread_bytes, user_id, status, started_at, ended_at, last_activity_at,
    turn_count, message_count, tokens, recount, newest, attributes, mark, checkpoint_id,
    generation, delta
)
WHERE s.id = g.id
