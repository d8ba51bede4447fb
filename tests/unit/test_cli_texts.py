"""Texts of others at a terminal: it obeys none of them, and they fit."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from langgraph_dualstore.cli.texts import readable, shortened, visible

TEXTS = (
    st.text(st.sampled_from("\x1b[]0;mJ\x9b\\\x07\r\n\t\u202e\u2066\ud800 中e\u0301")) | st.text()
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("up\x1b[2A\x1b[2J\x1bcthere", "upthere"),
        ("\x9b2Jc1", "c1"),
        ("\x1b]0;a title\x07", "0;a title"),
        ("mine\rYours", "mine\nYours"),
        ("dos\r\nlines", "dos\nlines"),
        ("\x00\x08\x7f\x85bell\x07", "bell"),
        ("\u202edesrever\u2066", "desrever"),
        ("[bold]中文 👩\u200d🔬", "[bold]中文 👩\u200d🔬"),
    ],
)
def test_a_readable_text_keeps_its_words_only(text, shown):
    assert readable(text) == shown


@given(TEXTS)
def test_nothing_in_a_readable_text_is_obeyed(text):
    shown = readable(text)
    kinds = {unicodedata.category(char) for char in shown if char not in "\n\t"}
    assert "Cc" not in kinds
    assert readable(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("thread 中文 [red]", "thread 中文 [red]"),
        ("a\nb\x1b[2J", r"a\nb\x1b[2J"),
        ("\ud800\u202e\x85", r"\ud800\u202e\x85"),
        ("", ""),
    ],
)
def test_a_visible_text_is_one_line_that_leaves_nothing_out(text, shown):
    assert visible(text) == shown


@given(TEXTS)
def test_a_visible_text_can_be_printed(text):
    assert visible(text).isprintable()


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdefghij", 10, "abcdefghij"),
        ("abcdefghij", 9, "abcd…ghij"),
        ("abcdefghij", 4, "ab…j"),
        ("中文中文中文", 8, "中文…文"),
        ("中文中文中文", 9, "中文…中文"),
    ],
)
def test_a_shortened_text_keeps_both_ends(text, width, shown):
    assert shortened(text, width) == shown


@given(TEXTS, st.integers(1, 40))
def test_a_shortened_text_fits(text, width):
    assert cell_len(shortened(visible(text), width)) <= width
