-- Add many messages.
COPY {schema}.prompt_messages (
    session_id, position, turn, role, content, token_count, meta, created_at, message_id,
    channel, removed_at
) FROM STDIN
