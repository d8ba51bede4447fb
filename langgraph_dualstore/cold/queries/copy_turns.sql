-- Add many turns.
COPY {schema}.prompt_turns (session_id, turn, start_position, end_position, created_at)
FROM STDIN
