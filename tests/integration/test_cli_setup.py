"""The commands `setup` and `schema`."""

from __future__ import annotations

import psycopg
import pytest
from cold_archives import dialog, opened, query, store
from command_line import invoke, run
from servers.postgres import with_database

from langgraph_dualstore.cold import PostgresArchive

SECRET = "s3crtword"


def tables(dsn, schema="public"):
    return {
        name
        for (name,) in query(
            dsn, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", schema
        )
    }


def test_setup_makes_the_tables_and_says_so(postgres_dsn):
    done = run("setup", "--postgres", postgres_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ('The tables in schema "public" are up to date: ran migration 1, 2, 3.\n')
    archive = PostgresArchive(postgres_dsn)
    store(archive, "t", *dialog(2))
    archive.close()


def test_setup_again_changes_nothing(postgres_dsn):
    with opened(postgres_dsn):
        pass
    again = invoke("setup", "--postgres", postgres_dsn)
    assert again.returncode == 0
    assert again.stdout.endswith("nothing was to be done.\n")


def test_setup_in_a_schema_of_the_users_choice(postgres_dsn):
    assert invoke("setup", "--postgres", postgres_dsn, "--schema", 'chat "1"').returncode == 0
    assert "prompt_sessions" in tables(postgres_dsn, 'chat "1"')
    assert tables(postgres_dsn) == set()


@pytest.mark.parametrize("name", ["POSTGRES_DSN", "DATABASE_URL", "DATABASE_URI"])
def test_the_dsn_may_come_from_the_environment(postgres_dsn, name):
    assert invoke("setup", **{name: postgres_dsn}).returncode == 0
    assert "prompt_sessions" in tables(postgres_dsn)


def test_without_a_dsn_setup_says_what_is_missing():
    told = run("setup")
    assert told.returncode == 2
    assert "--postgres" in told.stderr
    assert "POSTGRES_DSN" in told.stderr


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://user:p@{SECRET}@127.0.0.1:1/db",
        f"postgresql://user:%{SECRET}@127.0.0.1:1/db",
        f"mysql://user:{SECRET}@127.0.0.1/db",
        f"host=127.0.0.1 password=my {SECRET}",
    ],
)
def test_a_dsn_that_is_none_is_told_in_a_sentence_without_its_password(dsn):
    told = run("setup", "--postgres", dsn)
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr.startswith("Error: the PostgreSQL DSN is not valid")
    assert told.stderr.count("\n") == 1
    assert SECRET not in told.stderr


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://user:{SECRET}@127.0.0.1:1/db",
        f"host=127.0.0.1 port=1 user=user password={SECRET}",
    ],
)
def test_a_server_that_does_not_answer_is_told_in_a_sentence_without_the_password(dsn):
    told = run("setup", "--postgres", dsn)
    assert told.returncode == 1
    assert told.stderr.startswith("Error: PostgreSQL cannot be asked")
    assert told.stderr.count("\n") == 1
    assert SECRET not in told.stderr


def test_a_database_that_is_not_there(postgres_dsn):
    told = invoke("setup", "--postgres", with_database(postgres_dsn, "nowhere"))
    assert told.returncode == 1
    assert "nowhere" in told.stderr
    assert told.stderr.count("\n") == 1


def test_tables_of_a_later_version_are_left_alone(postgres_dsn):
    with opened(postgres_dsn):
        pass
    query(postgres_dsn, "INSERT INTO dualstore_migrations (number, name) VALUES (99, 'later')")
    told = invoke("setup", "--postgres", postgres_dsn)
    assert told.returncode == 1
    assert "pip install --upgrade langgraph-dualstore" in told.stderr


@pytest.mark.parametrize("schema", ["public", 'chat "1"'])
def test_what_schema_prints_makes_the_tables(postgres_dsn, schema):
    printed = invoke("schema", "--schema", schema)
    assert (printed.returncode, printed.stderr) == (0, "")
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(printed.stdout.encode())
    done = invoke("setup", "--postgres", postgres_dsn, "--schema", schema)
    assert done.stdout.endswith("nothing was to be done.\n")
    with opened(postgres_dsn, schema=schema) as archive:
        store(archive, "t", *dialog(2))
        assert archive.session("t").message_count == 2


def test_a_schema_that_cannot_be():
    told = invoke("schema", "--schema", "")
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr.startswith("Error: ")
