"""The commands that reports show for a study and its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reno_cli.wording import command_line, remedy_command
from reno_store.runtime.places import Place
from reno_store.studies.classifiers import DEFAULT_ESTIMATORS
from reno_store.studies.requests import StudyRequest, results_folder

if TYPE_CHECKING:
    from reno_store.studies import Cell, Study

__all__ = ["ShellCommands", "cell_command", "study_command"]

_DEFAULTS: Mapping[str, Any] = {each.name: each.default for each in fields(StudyRequest)}


class ShellCommands:
    """Commands for a POSIX shell."""

    def study(self, study: Study) -> str:
        """Return the command that runs a study."""
        return study_command(study.request, study.store, study.results)

    def cell(self, study: Study, cell: Cell) -> str:
        """Return the command that computes a cell, or what it lacks."""
        if cell.remedy is not None:
            return remedy_command(cell.remedy)
        return cell_command(study, cell)


def study_command(
    request: StudyRequest, store: str | Place, results: str | Path | None = None
) -> str:
    """Return the command that makes a study, for a POSIX shell.

    Parameters
    ----------
    request : StudyRequest
        What is evaluated. Estimators that were given as objects have no command and are left out.
    store : str or Path
        Folder of the store.
    results : str or Path, optional
        Folder of kept results; named where it is not `results_folder` of the store.
    """
    words: list[object] = ["tables", store, *request.datasets]
    for name in request.models:
        words += ["--model", name]
    for pair in request.pairs:
        words += ["--pair", ",".join(pair)]
    names = [each for each in request.estimators if isinstance(each, str)]
    for name in names:
        if name not in DEFAULT_ESTIMATORS:
            words += ["--estimator", name]
    for name in DEFAULT_ESTIMATORS:
        if name not in names:
            words += ["--without", name]
    if request.protocols != _DEFAULTS["protocols"]:
        for name in request.protocols:
            words += ["--protocol", name]
    words += _across(request.train_on, request.test_on, request)
    words += _shared(request)
    if request.allow_missing:
        words += ["--allow-missing"]
    for dataset, name in request.paper_names.items():
        words += ["--as-in-paper", f"{dataset}={name}"]
    if results is not None and Path(results).resolve() != results_folder(store):
        words += ["--results", results]
    return command_line(*words)


def cell_command(study: Study, cell: Cell) -> str:
    """Return the command that computes one cell of a study, for a POSIX shell."""
    request = study.request
    if request.allow_missing:
        # Which clips are left out depends on all models of the study together.
        return study_command(request, study.store, study.results)
    transfer = study.dataset(cell.dataset).transfer
    words: list[object] = ["evaluate", study.store]
    if transfer is None:
        words += [cell.dataset]
    else:
        words += _across(transfer.pair.train_on, (transfer.pair.test_on,), request)
    for name in cell.models:
        words += ["--model", name]
    words += ["--estimator", cell.estimator]
    if transfer is None:
        words += ["--protocol", cell.protocol]
    own = {name: (value,) for name, value in cell.settings.items()}
    words += _shared(request, {cell.estimator: own} if own else {})
    if study.results.resolve() != results_folder(study.store):
        words += ["--results", study.results]
    return command_line(*words)


def _across(train_on: Sequence[str], test_on: Sequence[str], request: StudyRequest) -> list[object]:
    """Return the options of the protocols across corpora, where they differ from the defaults.

    A label map that was not read from a file has no option.
    """
    words: list[object] = []
    for name in train_on:
        words += ["--train-on", name]
    for name in test_on:
        words += ["--test-on", name]
    if request.label_map.source:
        words += ["--labels", request.label_map.source]
    if request.shared_speaker_ids:
        words += ["--shared-speaker-ids"]
    return words


def _shared(
    request: StudyRequest, settings: Mapping[str, Mapping[str, tuple[Any, ...]]] | None = None
) -> list[object]:
    """Return the options that both commands have, where they differ from the defaults."""
    words: list[object] = []
    for name, own in (request.settings if settings is None else settings).items():
        for parameter, values in own.items():
            words += ["--set", f"{name}.{parameter}={','.join(map(_literal, values))}"]
    if request.n_folds != _DEFAULTS["n_folds"]:
        words += ["--folds", request.n_folds]
    if request.seeds != _DEFAULTS["seeds"]:
        words += ["--seeds", ",".join(map(str, request.seeds))]
    if not request.standardize:
        words += ["--as-stored"]
    if request.min_clips != _DEFAULTS["min_clips"]:
        words += ["--min-clips", request.min_clips]
    if request.device != _DEFAULTS["device"]:
        words += ["--device", request.device]
    return words


def _literal(value: Any) -> str:
    """Write a value as `--set` reads it."""
    is_plain = isinstance(value, str) and value.replace("-", "_").isidentifier()
    return value if is_plain and value not in {"None", "True", "False"} else repr(value)
