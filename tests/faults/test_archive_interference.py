"""Something happens to a thread between any two steps of its archive, restore or deletion."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from conversations import message, messages, talk
from raw_checkpoints import config_of, found_at, put
from tuple_comparison import assert_same

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.hot.keys import thread_keys
from langgraph_dualstore.operations.queue import Backlog

EMPTY = Backlog(0, 0, 0, 0, [], None)
OPTIONS = {
    "run_archiver": False,
    "archive_delay": timedelta(hours=20),  # a flush does not wait for what is idle
    "archive_lease": timedelta(seconds=1),
    "archive_attempts": 3,
}


class Interfered(PostgresArchive):
    """What was planned happens once, before or after the archive is asked."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self.plan = {}

    def marks(self, thread_ids):
        with self._around("marks"):
            return super().marks(thread_ids)

    def archive(self, threads):
        with self._around("archive"):
            return super().archive(threads)

    def restore(self, thread_id):
        with self._around("restore"):
            return super().restore(thread_id)

    def delete(self, thread_id, *, keep_transcript):
        with self._around("delete"):
            return super().delete(thread_id, keep_transcript=keep_transcript)

    @contextmanager
    def _around(self, method):
        self.plan.pop(f"before {method}", lambda: None)()
        yield
        self.plan.pop(f"after {method}", lambda: None)()


@pytest.fixture
def archive(postgres_dsn):
    archive = Interfered(postgres_dsn)
    archive.setup()
    yield archive
    archive.close()


@pytest.fixture
def savers(redis_url, archive):
    """Two applications, as far as the stores can tell."""
    with (
        DualStoreSaver.from_conn_string(redis_url, archive=archive, **OPTIONS) as one,
        DualStoreSaver.from_conn_string(redis_url, archive=archive, **OPTIONS) as another,
    ):
        yield one, another


@pytest.fixture
def case(savers, archive, redis_client):
    return Case(*savers, archive, redis_client)


class Case:
    """Threads of four messages, of which two are archived if it is known, and what is done."""

    def __init__(self, saver, another, archive, client):
        self.saver, self.another = saver, another
        self.archive, self.client = archive, client
        self.said = {}

    def begin(self, thread_id, *, known):
        parent = talk(self.saver, 2, thread_id=thread_id)
        if known:
            assert self.saver.archive_thread(thread_id) == "archived"
        talk(self.saver, 2, start=3, parent=parent, said=messages(2), thread_id=thread_id)
        self.said[thread_id] = 4

    def go_on(self, thread_id):
        """By another application, one message more."""
        n = self.said[thread_id] = self.said[thread_id] + 1
        found = found_at(self.another, config_of(thread_id))
        said = [*found.checkpoint["channel_values"]["messages"], message(n)]
        put(self.another, n, {"messages": said}, parent=found.config, thread_id=thread_id)

    def take_back(self, thread_id):
        """One message more, which only the journal knows of soon after."""
        before = found_at(self.another, config_of(thread_id)).checkpoint["channel_values"]
        with DualStoreSaver(self.client, archive=self.archive, keep_last=1, **OPTIONS) as shallow:
            self.another, another = shallow, self.another
            self.go_on(thread_id)
            found = found_at(shallow, config_of(thread_id))
            put(shallow, 90, before, parent=found.config, thread_id=thread_id)
            self.another = another

    def begin_anew(self, thread_id):
        self.another.delete_thread(thread_id)
        talk(self.another, 1, start=20, thread_id=thread_id)
        self.said[thread_id] = None

    def expire(self, thread_id):
        self.client.unlink(*thread_keys("langgraph:state", thread_id))

    def keep_last(self, thread_id):
        with DualStoreSaver(self.client, archive=self.archive, keep_last=1, **OPTIONS) as shallow:
            self.another, another = shallow, self.another
            self.go_on(thread_id)
            shallow.prune([thread_id])
            self.another = another

    def assert_archived_as_it_is(self, thread_id):
        keys = [message.row.key for message in self.archive.messages(thread_id)]
        n = self.said[thread_id]
        assert keys == (["m20"] if n is None else [f"m{k}" for k in range(1, n + 1)])
        hot = found_at(self.another, config_of(thread_id))
        self.expire(thread_id)
        assert_same([found_at(self.another, config_of(thread_id))], [hot])

    def assert_gone(self, thread_id):
        assert not self.client.keys(f"*{{{thread_id}}}*")
        assert self.archive.session(thread_id).deleted_at
        assert self.archive.messages(thread_id) == []
        for saver in (self.saver, self.another):
            assert saver.get_tuple(config_of(thread_id)) is None


CHANGES = {
    "put": Case.go_on,
    "archived by another": lambda case, thread: case.another.archive_thread(thread),
    "put and archived by another": lambda case, thread: (
        case.go_on(thread),
        case.another.archive_thread(thread),
    ),
    "put and archived by another, then put": lambda case, thread: (
        case.go_on(thread),
        case.another.archive_thread(thread),
        case.go_on(thread),
    ),
    "archived by another, then put twice": lambda case, thread: (
        case.another.archive_thread(thread),
        case.go_on(thread),
        case.go_on(thread),
    ),
    "archived by another, then said and taken back": lambda case, thread: (
        case.another.archive_thread(thread),
        case.take_back(thread),
    ),
    "archived by another, expired, restored, put": lambda case, thread: (
        case.another.archive_thread(thread),
        case.expire(thread),
        case.go_on(thread),
    ),
    "prune": lambda case, thread: case.another.prune([thread]),
    "keep_last": Case.keep_last,
    "deleted and begun anew": Case.begin_anew,
}
MOMENTS = ("before marks", "after marks", "before archive", "after archive")


@pytest.mark.parametrize("change", CHANGES)
def test_a_thread_that_changes_while_it_is_archived_is_whole_in_the_end(case, change):
    for known in (False, True):
        for moment in MOMENTS[2 * known :]:  # the archive knows what it has of a known one
            thread = f"{known}, {moment}"
            case.begin(thread, known=known)
            case.archive.plan[moment] = lambda thread=thread: CHANGES[change](case, thread)
            outcome = case.saver.archive_thread(thread)
            assert not case.archive.plan, "it did not happen"
            if change == "put" and "archive" in moment:
                assert outcome == "changed"
            assert case.saver.flush()
            case.assert_archived_as_it_is(thread)
            assert case.saver.backlog() == EMPTY


def test_a_worker_whose_thread_is_changed_archives_it_again(case):
    for moment in MOMENTS:
        case.begin(moment, known=False)
        case.archive.plan[moment] = lambda moment=moment: case.go_on(moment)
        assert case.saver.flush()
        assert not case.archive.plan, "it did not happen"
        case.assert_archived_as_it_is(moment)
        assert case.saver.backlog() == EMPTY


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("moment", MOMENTS[2:])
def test_what_was_read_before_redis_lost_everything_is_archived(case, known, moment):
    case.begin("thread", known=known)
    hot = found_at(case.another, config_of("thread"))
    case.archive.plan[moment] = case.client.flushall
    case.saver.archive_thread("thread")
    assert_same([found_at(case.another, config_of("thread"))], [hot])
    case.go_on("thread")
    assert case.saver.flush()
    case.assert_archived_as_it_is("thread")


@pytest.mark.parametrize("by", ["archive_thread", "flush"])
def test_a_thread_that_is_deleted_while_it_is_archived_stays_deleted(case, by):
    for known in (False, True):
        for moment in MOMENTS[2 * known :]:
            thread = f"{known}, {moment}"
            case.begin(thread, known=known)
            case.archive.plan[moment] = lambda thread=thread: case.another.delete_thread(thread)
            case.saver.archive_thread(thread) if by == "archive_thread" else case.saver.flush()
            assert not case.archive.plan, "it did not happen"
            case.assert_gone(thread)
            assert case.saver.flush()
            case.assert_gone(thread)
            assert case.saver.backlog() == EMPTY


@pytest.mark.parametrize("meanwhile", ["archived", "read", "archived and read"])
def test_a_thread_is_archived_or_restored_while_it_is_deleted(case, meanwhile):
    for moment in ("before delete", "after delete"):
        case.begin(moment, known=True)

        def happens(thread=moment):
            if "archived" in meanwhile:
                case.another.archive_thread(thread)
            if "read" in meanwhile:
                case.another.get_tuple(config_of(thread))

        case.archive.plan[moment] = happens
        case.saver.delete_thread(moment)
        assert not case.archive.plan, "it did not happen"
        case.assert_gone(moment)
        assert case.saver.flush()
        case.assert_gone(moment)


RESTORING = ("before restore", "after restore", "before marks", "after marks")


def test_a_thread_that_is_deleted_while_it_is_restored_stays_deleted(case):
    for moment in RESTORING:
        case.begin(moment, known=True)
        case.saver.archive_thread(moment)
        case.expire(moment)
        case.archive.plan[moment] = lambda moment=moment: case.another.delete_thread(moment)
        case.saver.get_tuple(config_of(moment))
        assert not case.archive.plan, "it did not happen"
        case.assert_gone(moment)


@pytest.mark.parametrize("change", [Case.go_on, Case.begin_anew])
def test_a_thread_that_others_use_while_it_is_restored_is_as_they_left_it(case, change):
    for moment in RESTORING:
        case.begin(moment, known=False)
        case.saver.archive_thread(moment)
        case.expire(moment)
        case.archive.plan[moment] = lambda moment=moment: change(case, moment)
        case.saver.get_tuple(config_of(moment))
        assert not case.archive.plan, "it did not happen"
        if change is Case.go_on:
            case.go_on(moment)
        assert case.saver.flush()
        case.assert_archived_as_it_is(moment)
