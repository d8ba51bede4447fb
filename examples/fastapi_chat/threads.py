"""The endpoints that users talk to."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from langchain_core.messages import AIMessageChunk, HumanMessage
from langgraph.graph import MessagesState
from pydantic import BaseModel, Field

from fastapi_chat.access import Graph, OwnThread, Saver, ThreadId, User
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.infos import ThreadInfo

router = APIRouter(prefix="/threads")
_logger = logging.getLogger(__name__)


class Question(BaseModel):
    """What a user says."""

    content: str = Field(min_length=1, max_length=100_000)


class Page(BaseModel):
    """Some threads; `next` is the `after` of the next page, `None` on the last one."""

    threads: Sequence[ThreadInfo]
    next: str | None


async def _run(
    question: Question, config: OwnThread, graph: Graph
) -> AsyncIterator[AsyncIterator[Any]]:
    """Run the graph, and end the run with the request.

    FastAPI closes a dependency when the response has ended, however it did. A generator, the
    endpoint's for one, is left to the garbage collector when a client goes away, and the model
    would go on for nobody.
    """
    said: MessagesState = {"messages": [HumanMessage(question.content)]}
    pieces = graph.astream(said, config, stream_mode="messages")
    async with aclosing(cast(AsyncGenerator[Any], pieces)):
        yield pieces


@router.post("/{thread_id}/messages", response_class=EventSourceResponse)
async def ask(
    thread_id: ThreadId, pieces: Annotated[AsyncIterator[Any], Depends(_run)]
) -> AsyncIterator[ServerSentEvent]:
    """Stream the answer: a `token` for each piece of it, and `done` when the turn is stored.

    An answer without a `done` is not finished: there was an `error`, or the connection broke.

    - A client that goes away stops the run, as the stop button of a chat does. What it said
      stays in the thread, without an answer; the next message goes on from there.
    - Two requests at once on one thread are LangGraph's affair, whichever processes take them:
      both go on from the same checkpoint, and the conversation goes on from the one that
      finished last. Let the user interface wait for `done`.
    """
    try:
        async for message, _ in pieces:
            if isinstance(message, AIMessageChunk) and message.text:
                yield ServerSentEvent(event="token", data=str(message.text))
    except Exception:
        # Too late for a status code: the model failed, or Redis since the thread was looked at.
        _logger.exception("no answer in thread %s", thread_id)
        yield ServerSentEvent(event="error", data="There is no answer now; ask again.")
    else:
        # The graph has waited until Redis had its last checkpoint.
        yield ServerSentEvent(event="done", data=thread_id)


@router.get("")
async def list_threads(
    user_id: str,
    user: User,
    saver: Saver,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: str | None = None,
) -> Page:
    """Return a page of the user's threads, those in Redis first, then those in the archive."""
    if user_id != user:  # where your administrators would come in
        raise HTTPException(403, "these are somebody else's threads")
    try:
        page = await saver.alist_threads(user_id=user_id, limit=limit, after=after)
    except ConfigurationError as error:
        raise HTTPException(422, str(error)) from error
    return Page(threads=page.threads, next=page.next)


@router.get("/{thread_id}")
async def show_thread(thread_id: ThreadId, _: OwnThread, saver: Saver) -> dict[str, Any]:
    """Return the thread's state, the conversation with it, as one document."""
    document = await saver.astate_document(thread_id)
    if document is None:
        raise HTTPException(404)
    return document


@router.delete("/{thread_id}", status_code=204)
async def delete_thread(thread_id: ThreadId, _: OwnThread, saver: Saver) -> None:
    """Delete the thread from both tiers; harmless if it is not there, so it may be repeated."""
    await saver.adelete_thread(thread_id)
