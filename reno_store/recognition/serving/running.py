"""Running the page in a web server until it is stopped."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from reno_store.errors import Remedy, RenoStoreError
from reno_store.recognition.serving.answers import answering, described
from reno_store.recognition.serving.app import Limits, make_app

if TYPE_CHECKING:
    from reno_store.recognition import Recognizer

__all__ = ["serve"]

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104


def serve(
    recognizer: Recognizer,
    *,
    name: str = "Recognizer",
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    ready: Callable[[str], object] = lambda address: None,
) -> None:
    """Serve a page that recognizes recordings, until Ctrl-C.

    Parameters
    ----------
    recognizer : Recognizer
        From `load_recognizer`.
    name : str
        Heading of the page.
    host : str
        Address to listen on. With any other than this machine's own, whoever reaches the
        machine can use the page; there is no password, and no encryption, without which
        browsers allow no microphone.
    port : int
        Port to listen on; 0 for any that is free.
    limits : Limits, optional
        The largest recording that is accepted.
    ready : callable
        Called with the page's address once it can be opened.

    Raises
    ------
    RenoStoreError
        If Starlette or uvicorn is not installed, or the address cannot be used.
    """
    limits = limits or Limits()
    hosts = ["*"] if host in _EVERYWHERE else [host, "127.0.0.1", "localhost"]
    app = make_app(
        answering(recognizer, limits),
        name=name,
        text=described(recognizer),
        hosts=hosts,
        limits=limits,
    )
    import uvicorn

    try:
        listening = socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise RenoStoreError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}.",
            Remedy("Choose another port, or any that is free", {"port": 0}),
        ) from None
    with listening:
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listening.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False))
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after closing
            server.run(sockets=[listening])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
