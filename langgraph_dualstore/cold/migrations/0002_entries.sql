-- What an exact restore needs, in the form of the hot tier.

CREATE TABLE {schema}.prompt_entries (
    session_id bigint NOT NULL
        REFERENCES {schema}.prompt_sessions ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('checkpoint', 'write', 'log')),
    position bigint NOT NULL, -- the place among its kind; of a piece of the log, that in the log
    data bytea NOT NULL,
    PRIMARY KEY (session_id, kind, position)
);
