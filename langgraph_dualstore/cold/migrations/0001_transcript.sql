-- Sessions, their messages and their turns.

CREATE TYPE {schema}.prompt_role AS ENUM ('user', 'assistant', 'system', 'tool');

-- A thread. One that was deleted leaves its row behind, with a mark that no archive expects.
CREATE TABLE {schema}.prompt_sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    thread_key bytea NOT NULL UNIQUE, -- SHA-256 of the thread's id: any characters, any length
    thread_id text NOT NULL, -- the id; readable, but not exact, where text cannot hold it
    thread_bytes bytea, -- the exact id where thread_id is not
    user_id text,
    status text CHECK (status IN ('finished', 'interrupted', 'error', 'idle')),
    started_at timestamptz,
    ended_at timestamptz,
    last_activity_at timestamptz,
    archived_at timestamptz,
    turn_count integer NOT NULL DEFAULT 0, -- the greatest turn
    message_count integer NOT NULL DEFAULT 0, -- removed ones too; the next message's position
    token_count bigint, -- of the messages whose tokens are known
    attributes jsonb NOT NULL DEFAULT '{{}}',
    deleted_at timestamptz,
    mark text NOT NULL,
    checkpoint_id text NOT NULL DEFAULT '',
    generation text NOT NULL DEFAULT '',
    delta boolean NOT NULL DEFAULT false
);

-- A hash index takes values of any length.
CREATE INDEX prompt_sessions_thread_id ON {schema}.prompt_sessions USING hash (thread_id);
CREATE INDEX prompt_sessions_user_id
    ON {schema}.prompt_sessions (user_id, last_activity_at DESC);
CREATE INDEX prompt_sessions_status
    ON {schema}.prompt_sessions (status, last_activity_at DESC);
CREATE INDEX prompt_sessions_last_activity_at ON {schema}.prompt_sessions (last_activity_at);

-- A message; one that the graph has removed stays, with the time of that.
CREATE TABLE {schema}.prompt_messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id bigint NOT NULL
        REFERENCES {schema}.prompt_sessions ON DELETE CASCADE,
    position integer NOT NULL, -- from 0
    turn integer NOT NULL, -- 0 before the first message of a user
    role {schema}.prompt_role NOT NULL,
    content text NOT NULL,
    token_count bigint,
    meta jsonb NOT NULL DEFAULT '{{}}',
    created_at timestamptz NOT NULL,
    message_id text NOT NULL,
    channel text NOT NULL,
    removed_at timestamptz,
    UNIQUE (session_id, channel, message_id)
);

CREATE UNIQUE INDEX prompt_messages_position
    ON {schema}.prompt_messages (session_id, position);
-- Sessions differ so much in length that the planner is told of a great one: it must not take
-- reading a whole session for as good as finding a message by its name.
ALTER TABLE {schema}.prompt_messages ALTER COLUMN session_id SET (n_distinct = -0.01);
CREATE INDEX prompt_messages_created_at ON {schema}.prompt_messages (created_at);

-- A turn: where its messages are, and what was logged about it.
CREATE TABLE {schema}.prompt_turns (
    session_id bigint NOT NULL
        REFERENCES {schema}.prompt_sessions ON DELETE CASCADE,
    turn integer NOT NULL,
    start_position integer, -- NULL as long as there is a log only
    end_position integer, -- of the last message
    log jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, turn)
);
