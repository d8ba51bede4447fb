"""What an endpoint needs from outside: who asks, and which thread they may use."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Path, Request, Response
from langchain_core.runnables import RunnableConfig

from fastapi_chat.graph import ChatGraph
from langgraph_dualstore import DualStoreSaver


def _saver(request: Request) -> DualStoreSaver:
    saver: DualStoreSaver = request.app.state.saver
    return saver


def _graph(request: Request) -> ChatGraph:
    graph: ChatGraph = request.app.state.graph
    return graph


def tell_process(response: Response) -> None:
    """Say which process answered: any of them may take any turn of any conversation."""
    response.headers["X-Process"] = str(os.getpid())


Saver = Annotated[DualStoreSaver, Depends(_saver)]
Graph = Annotated[ChatGraph, Depends(_graph)]

# A header is believed here. Have your gateway set it, or take the user from a verified token.
User = Annotated[str, Header(alias="X-User-Id", pattern=r"^[\w.@-]{1,128}$")]

# Redis and PostgreSQL take any id. What a browser can put into a path is enough here.
ThreadId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


async def _own_thread(thread_id: ThreadId, user: User, saver: Saver) -> RunnableConfig:
    """Return the config of a thread that is the caller's, or does not exist yet.

    It looks at the thread before the answer begins. One that only the archive has is back in
    Redis then, and a store that is away is told with a 503, which is too late for a stream
    that has begun.
    """
    # LangGraph copies what is in `configurable` into each checkpoint's metadata, and the
    # archive into `prompt_sessions.user_id`.
    config: RunnableConfig = {"configurable": {"thread_id": thread_id, "user_id": user}}
    found = await saver.aget_tuple(config)
    if found is not None and found.metadata.get("user_id") != user:
        raise HTTPException(404)  # not 403: whose a thread is, is nobody's business
    return config


OwnThread = Annotated[RunnableConfig, Depends(_own_thread)]
