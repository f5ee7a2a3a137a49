"""Errors and remedies of the library, worded for the command line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from reno_store.errors import ManifestError, Remedy, RenoStoreError

__all__ = ["command_line", "options", "remedy_command", "worded"]

_SHOWN_PROBLEMS = 20

_OPTIONS: Mapping[str, str] = {
    "datasets": "--dataset",
    "estimators": "--estimator",
    "hop_s": "--hop",
    "models": "--model",
    "n_folds": "--folds",
    "n_jobs": "--jobs",
    "overwrite": "--force",
    "replace_existing": "--force",
    "seed": "--seed",
    "window_s": "--window",
}
"""Arguments whose option is not their name with dashes."""

_FLAGS: Mapping[tuple[str, Any], str] = {
    ("all_problems", True): "--all",
    ("missing", "drop"): "--allow-missing",
    ("allow_missing", True): "--allow-missing",
    ("standardize", False): "--as-stored",
}
"""Values that are a flag with another name."""

_COMMANDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "build_store": ("build", ("manifest",)),
    "import_embeddings": ("import", ("source",)),
    "make_manifest": ("manifest", ("card", "folder")),
    "remove_from_store": ("remove", ("store", "dataset")),
    "run_study": ("tables", ("store", "datasets")),
    "verify_store": ("verify", ("store",)),
}
"""Function -> command, and its positional arguments in order."""


def command_line(*words: object) -> str:
    """Write a command of reno-store for a POSIX shell, with names quoted where they need it.

    Examples
    --------
    >>> command_line("info", "my store.zarr")
    "reno-store info 'my store.zarr'"
    """
    return shlex.join(["reno-store", *map(str, words)])


def options(arguments: Mapping[str, Any]) -> list[str]:
    """Write Python arguments as options.

    Examples
    --------
    >>> options({"missing": "drop", "n_folds": 3, "models": ("mfcc", "logmel")})
    ['--allow-missing', '--folds', '3', '--model', 'mfcc', '--model', 'logmel']
    >>> options({"audio_folder": ...})
    ['--audio-folder', 'AUDIO_FOLDER']
    >>> options({"columns": {"label": ...}})
    ['--columns', 'label=NAME']
    """
    words: list[str] = []
    for name, value in arguments.items():
        option = _OPTIONS.get(name, "--" + name.replace("_", "-"))
        if isinstance(value, str | bool) and (name, value) in _FLAGS:
            words.append(_FLAGS[name, value])
        elif value is True:
            words.append(option)
        elif value is ...:
            words += [option, option.removeprefix("--").replace("-", "_").upper()]
        elif isinstance(value, Mapping):
            pairs = [f"{key}={'NAME' if of is ... else of}" for key, of in value.items()]
            words += [option, ",".join(pairs)]
        elif isinstance(value, tuple | list):
            words += [word for each in value for word in (option, str(each))]
        elif value is not None and value is not False:
            words += [option, str(value)]
    return words


def worded(error: RenoStoreError, *, in_full: bool = False) -> str:
    """Write an error's message, with its remedies as options and commands.

    Parameters
    ----------
    in_full : bool
        Whether to list all problems of a manifest, not 20.
    """
    lines, remedies = [error.message], list(error.remedies)
    if isinstance(error, ManifestError):
        shown = error.problems if in_full else error.problems[:_SHOWN_PROBLEMS]
        lines += [f"  {problem}" for problem in shown]
        if n_more := len(error.problems) - len(shown):
            remedies.append(
                Remedy(f"{n_more:,} more problems. To list all", {"all_problems": True})
            )
    message = "\n".join(lines)
    return ("\n" if "\n" in message else " ").join([message, *map(_remedy, remedies)])


def _remedy(remedy: Remedy) -> str:
    how = remedy_command(remedy)
    how = f"`{how}`" if how and remedy.function else how
    return f"{remedy.text}: {how}." if how else f"{remedy.text}."


def remedy_command(remedy: Remedy) -> str:
    """Return a remedy's command, its options where it has no function, or nothing."""
    if not remedy.function:
        return shlex.join(options(remedy.arguments))
    command, places = _COMMANDS[remedy.function]
    placed = [word for name in places for word in _placed(remedy.arguments[name], name)]
    others = {name: of for name, of in remedy.arguments.items() if name not in places}
    return command_line(command, *placed, *options(others))


def _placed(value: Any, name: str) -> list[str]:
    """Write a positional argument."""
    if value is ...:
        return [name.upper()]
    return list(map(str, value)) if isinstance(value, tuple | list) else [str(value)]
