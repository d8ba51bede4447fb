"""Times on the command line: ISO times, and how long ago it was."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import typer

from langgraph_dualstore.cli.moments import moment


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90d", timedelta(days=90)),
        ("2w", timedelta(weeks=2)),
        ("12h", timedelta(hours=12)),
        ("30min", timedelta(minutes=30)),
        ("45s", timedelta(seconds=45)),
        (" 1.5 h ", timedelta(hours=1.5)),
        ("0d", timedelta(0)),
    ],
)
def test_an_age_is_so_long_before_now(text, age):
    before = datetime.now(UTC)
    found = moment(text)
    assert before - age <= found <= datetime.now(UTC) - age


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-05-31", datetime(2024, 5, 31, tzinfo=UTC)),
        ("20240531", datetime(2024, 5, 31, tzinfo=UTC)),
        ("2024-05-31T12:00", datetime(2024, 5, 31, 12, tzinfo=UTC)),
        ("2024-05-31 12:00:30Z", datetime(2024, 5, 31, 12, 0, 30, tzinfo=UTC)),
        ("2024-05-31T12:00+02:00", datetime(2024, 5, 31, 12, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_time_without_a_zone_is_in_utc(text, at):
    assert moment(text) == at


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no time"),
        ("yesterday", "is no time"),
        ("-5d", "is no time"),
        ("2024-02-30", "is no time"),
        ("90", "90d are days"),
        ("٣", "are days"),
        ("5m", "'m' in '5m' is none of w, d, h, min, s"),
        ("5 years", "'years'"),
        ("99999999999d", "longer ago than there are dates"),
        ("9999999d", "longer ago than there are dates"),
    ],
)
def test_what_is_none_is_refused_in_a_sentence(text, told):
    with pytest.raises(typer.BadParameter, match=told):
        moment(text)
