-- Add a few messages.
INSERT INTO {schema}.prompt_messages (
    session_id, position, turn, role, content, token_count, meta, created_at, message_id,
    channel, removed_at
)
SELECT
    g.session_id, g.position, g.turn, g.role::{schema}.prompt_role, g.content, g.token_count,
    g.meta::jsonb, g.created_at, g.message_id, g.channel, g.removed_at
FROM unnest(
    %(session_id)s::bigint[], %(position)s::integer[], %(turn)s::integer[], %(role)s::text[],
    %(content)s::text[], %(token_count)s::bigint[], %(meta)s::text[],
    %(created_at)s::timestamptz[], %(message_id)s::text[], %(channel)s::text[],
    %(removed_at)s::timestamptz[]
) AS g (
    session_id, position, turn, role, content, token_count, meta, created_at, message_id,
    channel, removed_at
)
