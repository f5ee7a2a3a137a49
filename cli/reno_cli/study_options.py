"""Options that `evaluate`, `tables` and `grid` share, and what the three do with them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reno_cli import options
from reno_cli.printing import leave_interrupted

if TYPE_CHECKING:
    from distributed import Client

    from reno_store.studies import LabelMap, Study, StudyRequest

__all__ = ["across", "check", "models", "results", "run", "settings", "shared", "track"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_TRACKER = "reno_cli.tracker"
_VALUE = re.compile(r"""(?:\[[^]]*\]|\([^)]*\)|\{[^}]*\}|"[^"]*"|'[^']*'|[^,])+""")


def _settings(
    ctx: click.Context, param: click.Parameter, texts: Sequence[str]
) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Read ``ESTIMATOR.PARAM=V[,V...]``; an option that comes twice adds values."""
    settings: dict[str, dict[str, tuple[Any, ...]]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        estimator, dot, parameter = name.strip().partition(".")
        if not (equals and dot and estimator and parameter and values.strip()):
            raise click.BadParameter(
                f"{text!r}: expected ESTIMATOR.PARAMETER=VALUE, as in reno.beta=1.5,2"
            )
        own = settings.setdefault(estimator, {})
        given = tuple(_value(each.strip()) for each in _VALUE.findall(values))
        own[parameter] = (*own.get(parameter, ()), *given)
    return settings


def _value(text: str) -> Any:
    """Read a Python or JSON literal; anything else is a text."""
    for read in (ast.literal_eval, json.loads):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            continue
    return text


models = click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="NAME",
    help="A model in the store. Repeatable.",
)

results = click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where each finished fold is kept; by default NAME.results next to NAME.zarr.",
)


def settings(metavar: str, help: str) -> Callable[[_Command], _Command]:  # noqa: A002
    """Return the option for hyperparameters."""
    return click.option(
        "--set", "settings", multiple=True, callback=_settings, metavar=metavar, help=help
    )


def _tracker(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Check a tracker before anything is trained, and keep its name for `run`."""
    from reno_store.reports.tracking import check_tracker

    if value is not None:
        check_tracker(value)
    ctx.meta[_TRACKER] = value


track = click.option(
    "--track",
    callback=_tracker,
    expose_value=False,
    metavar="NAME",
    help="Log parameters, scores and figures of each cell to an experiment tracker too: mlflow "
    "(extra mlflow), where MLFLOW_TRACKING_URI says.",
)

_shared = (
    settings(
        "ESTIMATOR.PARAMETER=VALUE,...",
        "Hyperparameters, such as reno.beta=1.5,2 or logreg.C=0.1. Every combination of "
        "values is evaluated. Repeatable.",
    ),
    options.n_folds,
    options.seeds,
    options.standardize,
    click.option(
        "--allow-missing",
        is_flag=True,
        help="Leave out clips that lack an embedding of any model, for all models.",
    ),
    options.min_clips,
    options.device,
    options.jobs,
    options.dask,
    results,
    track,
)


def _label_map(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> dict[str, LabelMap]:
    """Read a label map; an empty dict where none is given, so that the default holds."""
    from reno_store.studies.label_maps import read_label_map

    return {} if value is None else {"label_map": read_label_map(value)}


_across = (
    click.option(
        "--train-on",
        multiple=True,
        metavar="DATASET",
        help="Across corpora: train on this dataset. Repeatable.",
    ),
    click.option(
        "--test-on",
        multiple=True,
        metavar="DATASET",
        help="Across corpora: test on this dataset.",
    ),
    click.option(
        "--labels",
        "label_map",
        callback=_label_map,
        metavar="MAP",
        help="Across corpora: common words for labels, in a TOML file or common-emotions (for "
        "ASVP-ESD, JNV, VIVAE and EmoGator). By default labels match by name.",
    ),
    click.option(
        "--shared-speaker-ids/--separate-speaker-ids",
        default=False,
        help="Across corpora: equal speaker ids are the same person, and refused, or (by default) "
        "different people.",
    ),
)


def across(command: _Command) -> _Command:
    """Add the options of the protocols across corpora."""
    for option in reversed(_across):
        command = option(command)
    return command


def shared(command: _Command) -> _Command:
    """Add the options that the three commands have in common."""
    for option in reversed(_shared):
        command = option(command)
    return command


def check(store: Path, request: StudyRequest) -> None:
    """Check the names of a request; its device too; load nothing that takes seconds."""
    from reno_store.runtime.devices import check_device
    from reno_store.samples import open_store
    from reno_store.studies.models import check_models

    if not request.across and (request.label_map.labels or request.shared_speaker_ids):
        raise click.UsageError(
            "--labels and --shared-speaker-ids are for training on some datasets and testing on "
            "another: add --train-on and --test-on, or --protocol cross-corpus to `tables`."
        )
    check_device(request.device)
    check_models(request, open_store(store))


def run(compute: Callable[[Client | None], Study], n_jobs: int, dask: str | None) -> Study:
    """Compute a study, on a cluster if --dask names one; report what was new, track it if asked."""
    if dask is not None and n_jobs > 1:
        raise click.UsageError("--jobs are processes of this machine; use it or --dask.")
    name = click.get_current_context().meta.get(_TRACKER)
    if name is not None:
        from reno_store.reports.tracking import open_tracker

        open_tracker(name)  # hours of training come before its first use
    try:
        with options.client(dask) as client:
            study = compute(client)
    except KeyboardInterrupt:
        leave_interrupted()
    click.echo(
        f"{study.n_trained:,} folds trained, {study.n_served:,} kept from before; all are in "
        f"{study.results}",
        err=True,
    )
    if name is not None:
        from reno_store.reports.tracking import track_study

        click.echo(f"tracked: {track_study(study, name)}", err=True)
    return study
