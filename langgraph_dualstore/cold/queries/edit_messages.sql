-- Replace what messages say, where they say something else now.
UPDATE {schema}.prompt_messages AS m
SET
    role = g.role::{schema}.prompt_role,
    content = g.content,
    token_count = g.token_count,
    meta = g.meta::jsonb,
    removed_at = g.removed_at
FROM unnest(
    %(id)s::bigint[], %(role)s::text[], %(content)s::text[], %(token_count)s::bigint[],
    %(meta)s::text[], %(removed_at)s::timestamptz[]
) AS g (id, role, content, token_count, meta, removed_at)
WHERE
    m.id = g.id
    AND (m.role, m.content, m.token_count, m.meta, m.removed_at) IS DISTINCT FROM
        (g.role::{schema}.prompt_role, g.content, g.token_count, g.meta::jsonb, g.removed_at)
