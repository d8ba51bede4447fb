"""Lists of threads, put together from the pages that a saver returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from langgraph_dualstore.infos import ThreadInfo, ThreadPage

_PAGE = 500

Ask = Callable[..., ThreadPage]
"""`DualStoreSaver.list_threads`, which may have been given its filters already."""


def page_of(ask: Ask, limit: int, after: str | None = None) -> ThreadPage:
    """Return a page that holds as many threads as asked for, unless there are no more."""
    found: list[ThreadInfo] = []
    while True:
        page = ask(limit=limit - len(found), after=after)
        found += page.threads
        after = page.next
        if after is None or len(found) >= limit:
            return ThreadPage(found, after)


def pages_of(ask: Ask, after: str | None = None) -> Iterator[Sequence[ThreadInfo]]:
    """Yield all threads, as many at a time as come together; pages without any are left out."""
    while True:
        page = ask(limit=_PAGE, after=after)
        if page.threads:
            yield page.threads
        after = page.next
        if after is None:
            return


def ids_of(ask: Ask) -> Iterator[str]:
    """Yield the ids of all threads, each once, though one may be listed twice as it moves."""
    seen: set[str] = set()
    for threads in pages_of(ask):
        for info in threads:
            if info.thread_id not in seen:
                seen.add(info.thread_id)
                yield info.thread_id
