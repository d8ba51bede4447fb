-- Add many entries.
COPY {schema}.prompt_entries (session_id, kind, position, data) FROM STDIN (FORMAT binary)
