-- Make a thread a deleted one, of which no more is left than its transcript.
UPDATE {schema}.prompt_sessions AS s
SET mark = %(mark)s, deleted_at = now(), checkpoint_id = '', generation = '', delta = false
WHERE s.thread_key = %(thread_key)b
