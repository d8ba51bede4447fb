-- Store entries, where they are new or others now.
INSERT INTO {schema}.prompt_entries AS e (session_id, kind, position, data)
SELECT g.session_id, g.kind, g.position, g.data
FROM unnest(
    %(session_id)s::bigint[], %(kind)s::text[], %(position)s::bigint[], %(data)b::bytea[]
) AS g (session_id, kind, position, data)
ON CONFLICT (session_id, kind, position) DO UPDATE
SET data = excluded.data
WHERE e.data IS DISTINCT FROM excluded.data
