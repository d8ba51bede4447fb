-- Return the logs of a thread's turns in order.
SELECT t.turn, t.log::text
FROM {schema}.prompt_turns AS t
JOIN {schema}.prompt_sessions AS s ON s.id = t.session_id
WHERE s.thread_key = %(thread_key)b AND t.log IS NOT NULL
ORDER BY t.turn
