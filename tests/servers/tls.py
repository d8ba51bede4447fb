"""A server that is reached by TLS only, with a certificate that a test's own authority signed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme

from langgraph_dualstore.embedded import HOST
from servers import redis7, valkey
from servers.process import ServerFailed, ServerProcess
from servers.server import ServerUnavailable
from servers.tls_proxy import TlsProxy


@dataclass(frozen=True, kw_only=True)
class TlsServer:
    """`url` names the authority's file; `bare_url` does not, so its check of the server fails."""

    url: str
    bare_url: str
    ca_file: Path
    process: ServerProcess


@dataclass(frozen=True)
class Certificates:
    ca_file: Path
    cert_file: Path
    key_file: Path


def make_certificates(folder: Path) -> Certificates:
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    authority = trustme.CA()
    server = authority.issue_cert(HOST, "localhost")
    authority.cert_pem.write_to_path(str(made.ca_file))
    server.cert_chain_pems[0].write_to_path(str(made.cert_file))
    server.private_key_pem.write_to_path(str(made.key_file))
    return made


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[TlsServer]:
    """Debian's server, which speaks TLS; else Valkey's, which does not, behind a TLS proxy."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(serve_native(folder))
        except (ServerUnavailable, ServerFailed):
            server = stack.enter_context(serve_proxied(folder))
        yield server


@contextlib.contextmanager
def serve_native(folder: Path) -> Iterator[TlsServer]:
    certificates = make_certificates(folder)
    settings = (
        f"tls-cert-file {certificates.cert_file}",
        f"tls-key-file {certificates.key_file}",
        f"tls-ca-cert-file {certificates.ca_file}",
        "tls-auth-clients no",
    )
    with ServerProcess(redis7.binary(), folder, *settings, tls_ca=certificates.ca_file) as process:
        yield _server(process.port, certificates, process)


@contextlib.contextmanager
def serve_proxied(folder: Path) -> Iterator[TlsServer]:
    certificates = make_certificates(folder)
    with (
        ServerProcess(valkey.binary(), folder) as process,
        TlsProxy(process.address, certificates.cert_file, certificates.key_file) as proxy,
    ):
        yield _server(proxy.port, certificates, process)


def _server(port: int, certificates: Certificates, process: ServerProcess) -> TlsServer:
    bare = f"rediss://{HOST}:{port}/0"
    return TlsServer(
        url=f"{bare}?ssl_ca_certs={certificates.ca_file}",
        bare_url=bare,
        ca_file=certificates.ca_file,
        process=process,
    )
