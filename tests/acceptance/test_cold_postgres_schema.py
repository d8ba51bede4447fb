"""Making and checking the tables of the archive."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from cold_archives import archive_of, dialog, entries, opened, query, store
from psycopg import sql
from psycopg.conninfo import make_conninfo

from langgraph_dualstore.cold import PostgresArchive, migrations_sql
from langgraph_dualstore.cold.queries import Queries, migrations
from langgraph_dualstore.cold.schema import set_up
from langgraph_dualstore.errors import ColdStoreError, ConfigurationError, SchemaMismatch

CATALOG = {
    "columns": """
        SELECT table_name, column_name, ordinal_position, data_type, udt_name, is_nullable,
            column_default, is_identity
        FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 3
    """,
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY 1",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = %s::regnamespace ORDER BY 1, 2
    """,
    "types": """
        SELECT typname, enumlabel FROM pg_type JOIN pg_enum ON enumtypid = pg_type.oid
        WHERE typnamespace = %s::regnamespace ORDER BY 1, enumsortorder
    """,
    "functions": """
        SELECT pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = %s::regnamespace ORDER BY 1
    """,
    "migrations": "SELECT %s::text, number, name FROM dualstore_migrations ORDER BY 2",
}


def catalog(dsn: str) -> dict[str, list[tuple]]:
    return {name: query(dsn, statement, "public") for name, statement in CATALOG.items()}


@contextmanager
def another_database(dsn: str) -> Iterator[str]:
    name = "dualstore_test_twin"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name}_{connection.info.dbname[-8:]} TEMPLATE template0"
        )
        name = f"{name}_{connection.info.dbname[-8:]}"
        try:
            yield make_conninfo(dsn, dbname=name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def a_role(dsn: str, *grants: str) -> Iterator[str]:
    """The DSN of a role that may do nothing but log in, and what is granted."""
    name = f"dualstore_test_role_{make_conninfo(dsn)[-8:]}"
    name = re.sub(r"\W", "", name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        role = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(role))
        try:
            for grant in grants:
                connection.execute(sql.SQL(grant).format(role=role, database=database))
            yield make_conninfo(dsn, user=name, password="secret")
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
            connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(database))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_setup_makes_the_tables_and_may_be_repeated(postgres_dsn):
    archive = PostgresArchive(postgres_dsn)
    assert archive.setup() == [step.number for step in migrations()]
    assert archive.setup() == []
    store(archive, "t", *dialog(2))
    assert archive.setup() == []
    assert archive.session("t") is not None
    archive.close()


def test_migrations_are_numbered_without_gaps():
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))
    assert len(migrations()) > 1


@pytest.mark.parametrize("first", range(1, len(migrations())))
def test_tables_that_were_migrated_equal_fresh_ones(postgres_dsn, first):
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        assert set_up(connection, Queries("public"), upto=first) == list(range(1, first + 1))
    migrated = PostgresArchive(postgres_dsn)
    assert migrated.setup() == list(range(first + 1, len(migrations()) + 1))
    migrated.close()
    with another_database(postgres_dsn) as twin:
        with opened(twin):
            pass
        fresh = catalog(twin)
    assert catalog(postgres_dsn) == fresh
    assert all(fresh.values())


def test_the_printed_script_makes_the_same_tables(postgres_dsn):
    with another_database(postgres_dsn) as twin:
        with opened(twin):
            pass
        made = catalog(twin)
    script = migrations_sql()
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(script)  # several statements: as psql would send it
    assert catalog(postgres_dsn) == made
    archive = PostgresArchive(postgres_dsn)
    store(archive, "t", *dialog(2))
    assert archive.setup() == []
    archive.close()


HOSTILE = [
    'with "quotes" and spaces',
    "UPPER",
    "a.b; DROP TABLE x; --",
    "percent % %s %(a)s {brace}",
    "naïve 名前 🙂",
    "select",
    "x" * 63,
]


@pytest.mark.parametrize("schema", HOSTILE)
def test_a_schema_may_have_any_name(postgres_dsn, schema):
    with opened(postgres_dsn, schema=schema) as archive:
        mark = store(archive, "t", *dialog(70), entries=entries(b"c"))
        store(archive, "t", *dialog(2, first=70), present={"messages": ["m71"]})
        assert archive.restore("t").mark != mark
        assert archive.session("t").message_count == 72
        assert len(archive.messages("t", include_removed=False)) == 1
        assert archive.delete("t", keep_transcript=False)
    found = query(
        postgres_dsn,
        "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'prompt%%' AND %s",
        True,
    )
    assert found == [(schema,)]


def test_the_script_for_a_schema_of_any_name_makes_it(postgres_dsn):
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(migrations_sql(HOSTILE[3]))
    archive = PostgresArchive(postgres_dsn, schema=HOSTILE[3])
    store(archive, "t", *dialog(2))
    archive.close()


@pytest.mark.parametrize("schema", ["", "x" * 64, "ü" * 32, "a\0b", "\ud800", None, 7])
def test_a_name_that_no_schema_can_have_is_refused(postgres_dsn, schema):
    with pytest.raises(ConfigurationError, match="schema"):
        PostgresArchive(postgres_dsn, schema=schema)


def test_schemas_of_one_database_do_not_share_anything(postgres_dsn):
    with opened(postgres_dsn, schema="a") as one, opened(postgres_dsn, schema="b") as other:
        store(one, "t", *dialog(2))
        assert other.session("t") is None
        assert other.restore("t") is None
        assert one.restore("t") is not None


def test_nothing_depends_on_the_search_path(postgres_dsn):
    dsn = make_conninfo(postgres_dsn, options="-c search_path=pg_temp")
    with opened(dsn) as archive:
        store(archive, "t", *dialog(80))
        assert archive.session("t").message_count == 80


def _set_up(dsn: str, schema: str, start, results) -> None:
    start.wait()
    archive = PostgresArchive(dsn, schema=schema)
    try:
        results.put(archive.setup())
    except Exception as error:
        results.put(repr(error))
    archive.close()


def test_several_processes_may_set_up_at_once(postgres_dsn):
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()
    processes = [
        context.Process(target=_set_up, args=(postgres_dsn, "fresh schema", start, results))
        for _ in range(5)
    ]
    for process in processes:
        process.start()
    start.set()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(number for made in found for number in made) == [1, 2, 3], found


def test_the_owner_of_a_database_needs_no_superuser(postgres_dsn):
    owner = "ALTER DATABASE {database} OWNER TO {role}"
    with a_role(postgres_dsn, owner) as dsn, opened(dsn, schema="mine") as archive:
        store(archive, "t", *dialog(2))
        assert archive.restore("t") is not None


def test_a_role_that_may_create_in_an_existing_schema_needs_no_more(postgres_dsn):
    with (
        a_role(
            postgres_dsn,
            "REVOKE CREATE ON DATABASE {database} FROM PUBLIC",
            "CREATE SCHEMA given",
            "GRANT USAGE, CREATE ON SCHEMA given TO {role}",
        ) as dsn,
        opened(dsn, schema="given") as archive,
    ):
        store(archive, "t", *dialog(2))
        assert archive.delete("t", keep_transcript=False)


def test_a_role_may_use_tables_that_another_one_made(postgres_dsn):
    with (
        opened(postgres_dsn),
        a_role(
            postgres_dsn,
            "GRANT USAGE ON SCHEMA public TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        ) as dsn,
    ):
        archive = PostgresArchive(dsn)
        assert archive.setup() == []
        store(archive, "t", *dialog(100))
        store(archive, "t", *dialog(2, first=100))
        assert archive.delete("t", keep_transcript=False)
        archive.close()


def test_a_role_without_rights_is_told_so(postgres_dsn):
    with a_role(postgres_dsn) as dsn:
        archive = PostgresArchive(dsn, schema="theirs")
        with pytest.raises(ColdStoreError, match="permission denied"):
            archive.setup()
        archive.close()


def test_missing_tables_are_reported_with_what_mends_it(postgres_dsn):
    archive = PostgresArchive(postgres_dsn, schema="none")
    calls = [
        lambda: archive.restore("t"),
        lambda: archive.marks(["t"]),
        lambda: archive.archive([archive_of("t")]),
        lambda: archive.delete("t", keep_transcript=False),
    ]
    for call in calls:
        with pytest.raises(SchemaMismatch, match=r'"none".*langgraph-dualstore setup.*setup\(\)'):
            call()
    archive.setup()  # the failure is not remembered
    for call in calls:
        call()
    archive.close()


def test_older_tables_are_reported_with_what_mends_it(postgres_dsn):
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        set_up(connection, Queries("public"), upto=1)
    archive = PostgresArchive(postgres_dsn)
    with pytest.raises(SchemaMismatch, match=r"version 1.*needs 3.*langgraph-dualstore setup"):
        archive.restore("t")
    archive.setup()
    assert archive.restore("t") is None
    archive.close()


def test_newer_tables_are_reported_and_left_alone(postgres_dsn):
    with opened(postgres_dsn) as archive:
        query(postgres_dsn, "INSERT INTO dualstore_migrations VALUES (99, 'future')")
        with pytest.raises(SchemaMismatch, match=r"version 99.*upgrade"):
            archive.setup()
    fresh = PostgresArchive(postgres_dsn)
    with pytest.raises(SchemaMismatch, match=r"version 99.*upgrade"):
        fresh.restore("t")
    fresh.close()


def test_tables_that_vanish_later_are_reported(postgres_dsn):
    with opened(postgres_dsn) as archive:
        store(archive, "t")
        query(postgres_dsn, "DROP TABLE prompt_entries")
        with pytest.raises(SchemaMismatch, match="setup"):
            archive.restore("t")
        with pytest.raises(SchemaMismatch, match="setup"):
            archive.archive([archive_of("u")])
        query(postgres_dsn, "ALTER TABLE prompt_sessions RENAME mark TO other")
        with pytest.raises(SchemaMismatch, match="setup"):
            archive.marks(["t"])


def test_a_database_that_is_not_unicode_is_refused(postgres_dsn):
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        name = f"{connection.info.dbname}_latin"
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        archive = PostgresArchive(make_conninfo(postgres_dsn, dbname=name))
        try:
            with pytest.raises(ConfigurationError, match="UTF8"):
                archive.setup()
        finally:
            archive.close()
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
