"""The endpoints that machines look at."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fastapi_chat.access import Saver
from langgraph_dualstore.errors import ColdStoreError, DualStoreError

router = APIRouter()
_logger = logging.getLogger(__name__)


@router.get("/health")
async def health(saver: Saver, response: Response) -> dict[str, str]:
    """Tell a load balancer whether conversations can go on here.

    Redis is needed for that. The archive is not, but by a thread that has left Redis or is
    new: a service that no process answers for would be worse than one that is `degraded`.
    """
    try:
        await saver.acheck()
    except ColdStoreError as error:  # Redis was asked first, and has answered
        _logger.warning("degraded: %s", error)
        return {"status": "degraded"}
    except DualStoreError as error:
        _logger.warning("not healthy: %s", error)
        response.status_code = 503
        return {"status": "unavailable"}
    return {"status": "ok"}


@router.get("/metrics")
def metrics(request: Request) -> Response:  # no `async`: Redis is asked, on a thread
    """Tell Prometheus what this process has done, and what waits to be archived."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
