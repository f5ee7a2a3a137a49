"""``reno-store predict``: labels for new recordings."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reno_cli import options
from reno_cli.printing import check_output

if TYPE_CHECKING:
    from reno_store.recognition import Prediction

__all__ = ["predict"]

_MAX_SECONDS = 60.0  # extraction.MAX_SECONDS, which --help must not import
_IN_LINES = ("text", "csv", "jsonl")
"""Formats whose beginning is of use without the end."""
_FORMATS = ("text", "csv", "json", "jsonl", "audacity", "textgrid")


@click.command(short_help="Recognize new recordings.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write to a file: .csv, .json, .jsonl; with --timeline also .txt (labels of Audacity) or "
    ".TextGrid (Praat).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="By default what the ending of --output names, else text.",
)
@click.option(
    "--top",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Labels per line of text; the other formats have all.",
)
@click.option("--timeline", is_flag=True, help="Recognize each window of the recordings.")
@click.option(
    "--window",
    "window_s",
    type=float,
    metavar="SECONDS",
    help="Length of the windows of --timeline; 2 by default.",
)
@click.option(
    "--hop",
    "hop_s",
    type=float,
    metavar="SECONDS",
    help="From the start of a window to the next; half a window by default.",
)
@click.option(
    "--max-seconds",
    type=float,
    default=_MAX_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Longer recordings fail; not used with --timeline.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME=SPEC",
    help="Where a foundation model is on this machine, if not where it was in training. "
    "Repeatable.",
)
@click.option(
    "--audio-folder",
    type=click.Path(path_type=Path),
    help="The folder that the paths of a manifest are relative to; by default its own.",
)
@click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.", metavar="NAME"
)
@options.dask
def predict(
    folder: Path,
    paths: tuple[str, ...],
    output: Path | None,
    form: str | None,
    top: int,
    timeline: bool,
    window_s: float | None,
    hop_s: float | None,
    max_seconds: float,
    models: tuple[str, ...],
    audio_folder: Path | None,
    device: str,
    dask: str | None,
) -> None:
    """Recognize recordings with what `reno-store train` wrote into FOLDER.

    FOLDER may also be a recognizer on the Hugging Face hub: hf:OWNER/NAME or
    hf:OWNER/NAME@REVISION.

    PATH is an audio file, a folder of them, a manifest (.csv) or - for a list on standard input.
    Files and folders may be in a bucket (s3://BUCKET/NAME). Results are in that order. The exit
    code is 1 if a recording failed.
    """
    form = _form(form, output, timeline)
    if not timeline and (window_s is not None or hop_s is not None):
        raise click.UsageError("--window and --hop are for --timeline.")
    if not max_seconds > 0:
        raise click.BadParameter(
            f"{max_seconds:g}: expected more than 0.", param_hint="max-seconds"
        )
    from reno_store.recognition.hub import HubPlace
    from reno_store.recognition.targets import check_source
    from reno_store.runtime.devices import check_device

    check_device(device)
    if HubPlace.find(str(folder)) is None:
        check_source(folder)
    if output is not None:
        check_output(output)
    from reno_store.recognition.finding import find_recordings

    found = find_recordings(paths, audio_folder=audio_folder)
    if form in ("audacity", "textgrid") and len(found) > 1:
        raise click.UsageError(
            f"the format {form} has one recording per file; got {len(found):,} recordings."
        )
    from reno_store.recognition import load_recognizer, predict_recordings, predict_timelines
    from reno_store.recognition.outputs import format_predictions

    recognizer = load_recognizer(folder, device=device, models=models)
    problems: list[str] = []
    with options.client(dask) as client:
        if timeline:
            window_s = 2.0 if window_s is None else window_s
            hop_s = window_s / 2 if hop_s is None else hop_s
            predictions = predict_timelines(
                recognizer, found, window_s=window_s, hop_s=hop_s, client=client
            )
        else:
            predictions = predict_recordings(
                recognizer, found, max_seconds=max_seconds, client=client
            )
        is_shown = form != "text" or output is not None
        counted = _counting_problems(predictions, problems, shown=is_shown)
        texts = format_predictions(form, counted, recognizer.classes_.tolist(), top=top)
        _write(texts, output, keep_part=form in _IN_LINES)
    if problems:
        click.echo(f"{len(problems):,} of {len(found):,} recordings failed", err=True)
        sys.exit(1)


def _form(form: str | None, output: Path | None, timeline: bool) -> str:
    from reno_store.recognition.outputs import FORMAT_OF_ENDING

    if form is None:
        form = "text" if output is None else FORMAT_OF_ENDING.get(output.suffix.lower(), "")
    if not form:
        endings = ", ".join(FORMAT_OF_ENDING)
        raise click.UsageError(f"--output {output}: expected an ending of {endings}, or --format.")
    if form in ("audacity", "textgrid") and not timeline:
        raise click.UsageError(f"the format {form} is for --timeline.")
    return form


def _counting_problems(
    predictions: Iterable[Prediction], problems: list[str], *, shown: bool
) -> Iterator[Prediction]:
    """Pass predictions on; list problems, and show them where the output does not."""
    for each in predictions:
        if each.problem:
            problems.append(each.problem)
            if shown:
                click.echo(f"failed: {each.problem}", err=True)
        yield each


def _write(texts: Iterable[str], output: Path | None, *, keep_part: bool) -> None:
    """Print texts as they come, or write a file that appears when it is complete.

    With `keep_part` it appears after Ctrl-C too, with what was finished.
    """
    if output is None:
        for text in texts:
            click.echo(text, nl=False)
        return
    from reno_store.runtime.writing import is_special

    if is_special(output):
        with output.open("w", encoding="utf-8") as special:
            special.writelines(texts)
        return
    handle, temporary = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name[:40]}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            interrupted = None
            try:
                for text in texts:
                    file.write(text)
            except KeyboardInterrupt as error:
                interrupted = error
                if not keep_part:
                    raise
        Path(temporary).chmod(0o644)
        Path(temporary).replace(output)
    finally:
        Path(temporary).unlink(missing_ok=True)
    click.echo(output)
    if interrupted is not None:
        raise interrupted
