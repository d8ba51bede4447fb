"""How a TTL is given, and what is refused as one."""

import math
from datetime import timedelta

import pytest
from async_twins import opened
from conversations import talk
from stored_threads import Onlooker

from langgraph_dualstore import ConfigurationError, DualStoreSaver, Settings

FORMS = {
    "timedelta": (timedelta(minutes=90), 5400),
    "seconds": (90, 90),
    "fractions of a second": (90.5, 90.5),
    "minutes in a dict": ({"default_ttl": 90}, 5400),
    "fractions of a minute": ({"default_ttl": 1.5, "refresh_on_read": True}, 90),
    "a hundred years": (timedelta(days=36525), 36525 * 86400),
}
NEVER = [None, {"default_ttl": None}]
A_DAY = [{}, {"refresh_on_read": True}]

INVALID = {
    "zero": 0,
    "zero seconds": timedelta(0),
    "minus one": -1,
    "negative": -0.5,
    "negative timedelta": timedelta(seconds=-1),
    "less than a millisecond": 0.0001,
    "nan": math.nan,
    "infinite": math.inf,
    "minus infinite": -math.inf,
    "longer than Redis can tell": timedelta.max,
    "too far away for Redis": 1e20,
    "too great for a float": 10**400,
    "True": True,
    "False": False,
    "text": "60",
    "no text": "",
    "bytes": b"60",
    "list": [60],
    "complex": 60j,
    "object": object(),
}
INVALID_CONFIGS = {
    "unknown key": {"ttl": 5},
    "one unknown key": {"default_ttl": 5, "refresh_on_reads": True},
    "a key that is no text": {1: 5},
    **{f"{name} minutes": {"default_ttl": value} for name, value in INVALID.items()},
    "less than a millisecond minutes": {"default_ttl": 1e-6},
    "refresh as a number": {"refresh_on_read": 1},
    "refresh as text": {"default_ttl": 5, "refresh_on_read": "yes"},
    "refresh as nothing": {"refresh_on_read": None},
}


@pytest.fixture
def onlooker(redis_client):
    return Onlooker(redis_client)


@pytest.mark.parametrize("methods", ["sync", "async"])
@pytest.mark.parametrize("form", FORMS)
def test_a_ttl_can_be_given_in_each_form(redis_url, onlooker, form, methods):
    ttl, seconds = FORMS[form]
    with opened(redis_url, methods, ttl=ttl) as saver:
        talk(saver, 2)
        assert onlooker.remaining() == pytest.approx(seconds, abs=10, rel=1e-9)
        assert saver.ttl_of("thread").total_seconds() == pytest.approx(seconds, abs=10, rel=1e-9)


@pytest.mark.parametrize("ttl", NEVER, ids=str)
def test_a_thread_may_live_for_ever(redis_url, onlooker, ttl):
    with opened(redis_url, "sync", ttl=ttl) as saver:
        talk(saver, 2)
        assert onlooker.remaining() is None
        assert saver.ttl_of("thread") is None


@pytest.mark.parametrize("ttl", A_DAY, ids=str)
def test_a_config_that_names_no_ttl_leaves_the_default(redis_url, onlooker, ttl):
    with opened(redis_url, "sync", ttl=ttl) as saver:
        talk(saver, 2)
        assert saver.ttl_of("thread").total_seconds() == pytest.approx(86_400, abs=10)


@pytest.mark.parametrize(
    "ttl", [*INVALID.values(), *INVALID_CONFIGS.values()], ids=[*INVALID, *INVALID_CONFIGS]
)
def test_a_ttl_that_is_none_is_refused_at_once(redis_url, ttl):
    with pytest.raises(ConfigurationError):
        Settings(ttl=ttl)
    with pytest.raises(ConfigurationError):
        DualStoreSaver.from_conn_string(redis_url, ttl=ttl)


@pytest.mark.parametrize("methods", ["sync", "async"])
@pytest.mark.parametrize("ttl", INVALID.values(), ids=list(INVALID))
def test_a_life_cannot_be_extended_by_what_is_no_ttl(redis_url, onlooker, ttl, methods):
    with opened(redis_url, methods, ttl=100) as saver:
        talk(saver, 1)
        with pytest.raises(ConfigurationError):
            saver.extend_ttl("thread", ttl)
        assert 90 < onlooker.remaining() <= 100


def test_the_dict_may_say_whether_reading_refreshes():
    assert Settings(ttl={"default_ttl": 5, "refresh_on_read": True}).refresh_on_read
    assert not Settings(ttl={"refresh_on_read": False}, refresh_on_read=True).refresh_on_read
    assert Settings(ttl={"default_ttl": 5}, refresh_on_read=True).refresh_on_read


def test_settings_that_are_given_can_be_changed_for_one_saver(redis_url, onlooker):
    given = Settings(ttl={"default_ttl": 5, "refresh_on_read": True})
    with opened(redis_url, "sync", settings=given, ttl=100) as saver:
        talk(saver, 1)
        assert 90 < onlooker.remaining() <= 100
        assert saver.settings.refresh_on_read
    assert given == Settings(ttl=300, refresh_on_read=True)


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": ""},
        {"prefix": "a{b}"},
        {"prefix": b"a"},
        {"keep_last": 0},
        {"keep_last": -1},
        {"keep_last": True},
        {"keep_last": 1.0},
        {"cache_bytes": -1},
        {"cache_bytes": None},
        {"max_connections": 0},
        {"timeout": timedelta(0)},
        {"timeout": 5},
        {"refresh_on_read": 1},
        {"tll": 5},
        {"ttl_ms": 5},
    ],
    ids=str,
)
def test_other_settings_are_checked_as_well(redis_url, options):
    for given in ({}, {"settings": Settings()}):
        with pytest.raises(ConfigurationError):
            DualStoreSaver.from_conn_string(redis_url, **given, **options)
