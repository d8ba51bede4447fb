-- Drop the entries from some positions on, but pieces of the log that are to stay.
-- OFFSET keeps the planner from looking at all entries of a session.
DELETE FROM {schema}.prompt_entries AS e
WHERE e.ctid = ANY (ARRAY(
    SELECT f.ctid
    FROM unnest(%(session_id)s::bigint[], %(kind)s::text[], %(start)s::bigint[])
        AS g (session_id, kind, start)
    CROSS JOIN LATERAL (
        SELECT f.ctid, f.session_id, f.kind, f.position
        FROM {schema}.prompt_entries AS f
        WHERE f.session_id = g.session_id AND f.kind = g.kind AND f.position >= g.start
        OFFSET 0
    ) AS f
    WHERE NOT (
        f.kind = 'log'
        AND EXISTS (
            SELECT
            FROM unnest(%(kept_session_id)s::bigint[], %(kept_position)s::bigint[])
                AS k (session_id, position)
            WHERE k.session_id = f.session_id AND k.position = f.position
        )
    )
))
