"""The application, which `uvicorn fastapi_chat.app:app` serves."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from langchain_core.language_models import BaseChatModel
from prometheus_client import CollectorRegistry

from fastapi_chat import operations, threads
from fastapi_chat.access import tell_process
from fastapi_chat.graph import build_graph
from fastapi_chat.models import chosen_model
from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.errors import ColdStoreUnavailable, HotStoreUnavailable
from langgraph_dualstore.metrics import SaverCollector

_RETRY_AFTER = "5"  # seconds

_logger = logging.getLogger(__name__)


def create_app(model: BaseChatModel | None = None) -> FastAPI:
    """Return the service.

    Args:
        model: What answers; `None` for what the environment names.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Open one saver for this process, and close it in the end: that archives what is due.

        REDIS_URL and DATABASE_URL say where the servers are; RUN_ARCHIVER=0, that a worker
        beside this service archives.
        """
        run_archiver = os.environ.get("RUN_ARCHIVER", "1") != "0"
        async with DualStoreSaver.from_env(run_archiver=run_archiver) as saver:
            try:
                await saver.asetup()
            except ColdStoreUnavailable as error:
                # Conversations that are in Redis go on all the same.
                _logger.warning("the archive's tables are neither made nor checked: %s", error)
            app.state.saver = saver
            app.state.graph = build_graph(model or chosen_model(), saver)
            app.state.registry = CollectorRegistry()
            app.state.registry.register(SaverCollector(saver))
            yield

    app = FastAPI(title="Chat", lifespan=lifespan, dependencies=[Depends(tell_process)])
    app.include_router(threads.router)
    app.include_router(operations.router)
    app.add_exception_handler(HotStoreUnavailable, _unavailable)
    app.add_exception_handler(ColdStoreUnavailable, _unavailable)
    return app


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    """Ask the client to come back: a server is away, and asking again may help."""
    _logger.warning("asked to come back: %s", error)
    detail = {"detail": "A server is away for the moment; try again."}
    return JSONResponse(detail, status_code=503, headers={"Retry-After": _RETRY_AFTER})


app = create_app()
