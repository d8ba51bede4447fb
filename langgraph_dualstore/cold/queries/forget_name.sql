-- Make a thread one that nobody can name: what tells it is a digest of its id.
UPDATE {schema}.prompt_sessions AS s
SET thread_id = '', thread_bytes = NULL
WHERE s.thread_key = %(thread_key)b
