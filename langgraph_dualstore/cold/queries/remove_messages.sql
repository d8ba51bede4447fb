-- Say when messages were removed, or that they are back.
UPDATE {schema}.prompt_messages AS m
SET removed_at = g.removed_at
FROM unnest(%(id)s::bigint[], %(removed_at)s::timestamptz[]) AS g (id, removed_at)
WHERE m.id = g.id
