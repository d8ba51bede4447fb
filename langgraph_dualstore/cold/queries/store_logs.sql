-- Store the logs of turns; where the turns are is left alone.
INSERT INTO {schema}.prompt_turns AS t (session_id, turn, log)
SELECT g.session_id, g.turn, g.log::jsonb
FROM unnest(%(session_id)s::bigint[], %(turn)s::integer[], %(log)s::text[])
    AS g (session_id, turn, log)
ON CONFLICT (session_id, turn) DO UPDATE
SET log = excluded.log
