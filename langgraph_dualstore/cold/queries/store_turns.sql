-- Say where turns are; their logs are left alone.
INSERT INTO {schema}.prompt_turns AS t (
    session_id, turn, start_position, end_position, created_at
)
SELECT g.session_id, g.turn, g.start_position, g.end_position, g.created_at
FROM unnest(
    %(session_id)s::bigint[], %(turn)s::integer[], %(start_position)s::integer[],
    %(end_position)s::integer[], %(created_at)s::timestamptz[]
) AS g (session_id, turn, start_position, end_position, created_at)
ON CONFLICT (session_id, turn) DO UPDATE
SET
    start_position = least(t.start_position, excluded.start_position),
    end_position = greatest(t.end_position, excluded.end_position)
