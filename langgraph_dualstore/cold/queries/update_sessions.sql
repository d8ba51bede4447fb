-- Say how threads stand that had been archived before.
UPDATE {schema}.prompt_sessions AS s
SET
    user_id = coalesce(g.user_id, s.user_id),
    status = g.status,
    started_at = least(s.started_at, g.started_at),
    ended_at = g.ended_at,
    last_activity_at = g.last_activity_at,
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
    attributes = g.attributes::jsonb,
    deleted_at = NULL,
    mark = g.mark,
    checkpoint_id = g.checkpoint_id,
    generation = g.generation,
    delta = g.delta
FROM unnest(
    %(id)s::bigint[], %(user_id)s::text[], %(status)s::text[], %(started_at)s::timestamptz[],
    %(ended_at)s::timestamptz[], %(last_activity_at)s::timestamptz[],
    %(turn_count)s::integer[], %(message_count)s::integer[], %(tokens)s::bigint[],
    %(recount)s::boolean[], %(attributes)s::text[], %(mark)s::text[],
    %(checkpoint_id)s::text[], %(generation)s::text[], %(delta)s::boolean[]
) AS g (
    id, user_id, status, started_at, ended_at, last_activity_at, turn_count, message_count,
    tokens, recount, attributes, mark, checkpoint_id, generation, delta
)
WHERE s.id = g.id
