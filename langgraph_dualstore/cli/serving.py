"""Metrics, served over HTTP for as long as a command runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from langgraph_dualstore.cli.consoles import fail
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.saver import DualStoreSaver


@contextlib.contextmanager
def served(saver: DualStoreSaver, address: str, port: int) -> Iterator[str]:
    """Serve a saver's metrics, and this process's, and yield where.

    Args:
        saver: The saver.
        address: This machine's, to listen on.
        port: The port; 0 for any that is free.

    Raises:
        ConfigurationError: The `metrics` extra is not installed.
        typer.Exit: The address cannot be listened on.
    """
    try:
        from prometheus_client import REGISTRY, start_http_server  # noqa: PLC0415 - an extra

        from langgraph_dualstore.metrics import SaverCollector  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            'metrics need another package: pip install "langgraph-dualstore[metrics]"'
        ) from error
    collector = SaverCollector(saver)
    try:
        server, thread = start_http_server(port, address)
    except OSError as error:
        fail(f"cannot serve metrics at {address}:{port}: {error.strerror}")
    REGISTRY.register(collector)
    try:
        yield f"http://{address}:{server.server_port}/metrics"
    finally:
        REGISTRY.unregister(collector)
        server.shutdown()
        server.server_close()
        thread.join()
