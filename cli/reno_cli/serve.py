"""``reno-store serve``: a page that recognizes recordings."""

from __future__ import annotations

import click

__all__ = ["serve"]


@click.command(short_help="Serve a page to try a recognizer on recordings.")
@click.argument("folder")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME=SPEC",
    help="Where a foundation model is on this machine, if not where it was in training. "
    "Repeatable.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="0: any free."
)
@click.option(
    "--max-mb",
    default=50.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Largest file.",
)
@click.option(
    "--max-seconds",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Longest recording.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def serve(
    folder: str,
    models: tuple[str, ...],
    host: str,
    port: int,
    max_mb: float,
    max_seconds: float,
    device: str,
) -> None:
    """Serve a page that recognizes recordings with the recognizer in FOLDER.

    FOLDER may be hf:OWNER/NAME, a recognizer on the Hugging Face hub.

    Drop a file on the page or record one; it shows the waveform and the probability of each
    label. The page is reachable from this machine only, unless you choose another --host; there
    is no password. Recordings are deleted as soon as they are answered. Ctrl-C ends it.
    """
    from pathlib import Path

    from reno_store.recognition.serving import Limits, check_installed

    check_installed()  # loading takes seconds
    from reno_store import load_recognizer
    from reno_store.recognition.serving import serve as serve_page

    loaded = load_recognizer(folder, device=device, models=models)
    serve_page(
        loaded,
        name=Path(folder).resolve().name,
        host=host,
        port=port,
        limits=Limits(max_mb, max_seconds),
        ready=lambda address: click.echo(f"Open {address} in a browser; Ctrl-C ends it."),
    )
