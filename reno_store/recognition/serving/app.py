"""The web application: the page, and one answer per recording.

Requests are refused unless they come from the page itself: the ``Host`` must be that of this
server (else another site could reach it through its own name), and a recording must be sent by
a page of the same origin. A recording is read up to a limit of bytes, written to a temporary
file, and deleted once it is answered. One recording is recognized at a time.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from reno_store.errors import RenoStoreError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Limits", "Recognize", "check_installed", "make_app"]

Recognize = Callable[[Path], Mapping[str, Any]]
"""A recording's path -> what the page shows; see `reno_store.recognition.serving.answers`."""

_PAGE = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest recording that is accepted.

    Attributes
    ----------
    megabytes : float
        Size of the file.
    seconds : float
        Length of the recording.
    """

    megabytes: float = 50.0
    seconds: float = 60.0


def check_installed() -> None:
    """Check that the packages that serve are installed, without loading them.

    Raises
    ------
    RenoStoreError
        If Starlette or uvicorn is not.
    """
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        raise RenoStoreError(
            "serving needs Starlette and uvicorn, which are not installed; run "
            "pip install 'reno-store[serve]'."
        )


def make_app(
    recognize: Recognize,
    *,
    name: str,
    text: str,
    hosts: Sequence[str] = ("127.0.0.1", "localhost"),
    limits: Limits | None = None,
) -> Starlette:
    """Make the application.

    Parameters
    ----------
    recognize : callable
        Answers a recording. A `RenoStoreError` that it raises is shown to the user.
    name, text : str
        Heading of the page, and the line below it.
    hosts : Sequence[str]
        Names by which the server may be reached.
    limits : Limits, optional
        The largest recording.

    Raises
    ------
    RenoStoreError
        As `check_installed`.
    """
    check_installed()
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    limits = limits or Limits()
    most_bytes = int(limits.megabytes * 1e6)
    turn = asyncio.Lock()

    async def about(_: Request) -> Response:
        allowed = {"seconds": limits.seconds, "bytes": most_bytes}
        return JSONResponse({"name": name, "text": text, "limits": allowed}, headers=_HEADERS)

    async def answer(request: Request) -> Response:
        def refuse(problem: str, status: int) -> Response:
            return JSONResponse({"error": problem}, status, headers=_HEADERS)

        if not _is_from_the_page(request.headers):
            return refuse("recordings are accepted from this server's own page only.", 403)
        called = _name(request.headers.get("x-name", ""))
        recording = bytearray()
        async for part in request.stream():
            recording += part
            if len(recording) > most_bytes:
                return refuse(
                    f"{called}: larger than {limits.megabytes:g} MB, the limit of this server.", 413
                )
        with tempfile.TemporaryDirectory(prefix="reno-store-serve-") as folder:
            path = Path(folder) / "recording"
            path.write_bytes(recording)
            try:
                async with turn:
                    found = await asyncio.to_thread(recognize, path)
            except RenoStoreError as error:
                return refuse(str(error).replace(str(path), called), 422)
        return JSONResponse(dict(found), headers=_HEADERS)

    return Starlette(
        routes=[
            Route("/", _file("index.html")),
            *(Route(f"/{each}", _file(each)) for each in _PAGE if each != "index.html"),
            Route("/about", about),
            Route("/recognize", answer, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def _file(name: str) -> Callable[[Request], Response]:
    content = (files("reno_store.recognition.serving") / "page" / name).read_bytes()

    def send(_: Request) -> Response:
        from starlette.responses import Response

        return Response(content, media_type=_PAGE[name], headers=_HEADERS)

    return send


def _is_from_the_page(headers: Mapping[str, str]) -> bool:
    """Return whether a browser's request comes from a page of this server."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def _name(header: str) -> str:
    """Return the last part of the name that the page sent, for messages."""
    shown = "".join(each for each in unquote(header) if each.isprintable())
    return shown.replace("\\", "/").rpartition("/")[2][:100] or "recording"
