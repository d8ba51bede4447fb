-- Full-text search: WHERE prompt_search(content) @@ to_tsquery('simple', …).

-- A tsvector holds 1 MB. 50,000 characters stay below that whatever they are: 20 bytes for
-- each. The names are qualified because indexes are built under any search_path.
CREATE FUNCTION {schema}.prompt_search(content text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT pg_catalog.to_tsvector(
            'pg_catalog.simple'::pg_catalog.regconfig, pg_catalog.left(content, 50000)
        )
    $$;

CREATE INDEX prompt_messages_search
    ON {schema}.prompt_messages USING gin ({schema}.prompt_search(content));
