"""The checkpointer of a LangGraph server, for its `langgraph.json`.

The server enters what `"checkpointer": {"path": …}` names once for each event loop that it
runs, and leaves it when it stops.

Example:
    `"path": "./checkpointer.py:create_checkpointer"`, where that file has

    ```python
    from langgraph_dualstore.server import create_checkpointer
    ```

    or, to choose settings,

    ```python
    from functools import partial

    from langgraph_dualstore import server

    create_checkpointer = partial(server.create_checkpointer, keep_last=20)
    ```

    Without a file: `"path": "langgraph_dualstore.server.create_checkpointer"`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from langgraph_dualstore.errors import ColdStoreUnavailable
from langgraph_dualstore.saver import DualStoreSaver

_logger = logging.getLogger(__name__)


@asynccontextmanager
async def create_checkpointer(**options: Any) -> AsyncIterator[DualStoreSaver]:
    """Yield the saver that the environment asks for, and close it in the end.

    The server's own `REDIS_URI` and `DATABASE_URI` will do; see `DualStoreSaver.from_env` for
    the others. The archive's tables are made, or brought up to date. A PostgreSQL that cannot
    be reached is logged, and keeps no graph from running.

    Args:
        **options: As for `DualStoreSaver.from_env`, without a fallback.

    Raises:
        ConfigurationError: A variable, which the message names, or a setting is not valid,
            or the `postgres` extra is not installed.
        ColdStoreError: PostgreSQL refused.
        SchemaMismatch: The tables are of a later version of this package.
    """
    # On a thread: what it imports is read from disk, for which the server's loop must not wait.
    saver = await asyncio.to_thread(partial(DualStoreSaver.from_env, fallback=None, **options))
    async with saver:
        try:
            await saver.asetup()
        except ColdStoreUnavailable as unavailable:
            _logger.warning(
                "the archive's tables are neither made nor checked, and threads wait in Redis "
                "to be archived: %s",
                unavailable,
            )
        yield saver
