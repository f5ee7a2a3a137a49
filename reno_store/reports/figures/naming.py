"""Names of figures that every file system takes, and words for what a cell is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from reno_store.reports.figures.drawing import Figure
from reno_store.studies import Cell
from reno_store.studies.classifiers import describe_estimator

__all__ = ["cell_title", "file_name", "models_title", "name_apart", "protocol_title"]

_ODD = re.compile(r"[^A-Za-z0-9._+=-]+")
_LONGEST_NAME = 150  # file systems take 255 bytes, and an ending and a suffix are to come


def file_name(*parts: str) -> str:
    """Join parts into the stem of a file's name.

    Examples
    --------
    >>> file_name("map", "my data/2", "wavlm-base?layer=9")
    'map-my_data_2-wavlm-base_layer=9'
    """
    name = "-".join(_ODD.sub("_", part) for part in parts)
    if len(name) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: _LONGEST_NAME - 9]}-{digest}"
    return name


def name_apart(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """Add numbers to names that are taken already, also on file systems that ignore case."""
    taken: set[str] = set()
    apart = []
    for figure in figures:
        name, number = figure.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{figure.name}-{number}"
        taken.add(name.casefold())
        apart.append(figure if name == figure.name else replace(figure, name=name))
    return tuple(apart)


def models_title(models: Iterable[str]) -> str:
    """Join models as a heading names them."""
    return " + ".join(models)


def cell_title(cell: Cell) -> str:
    """Name a cell's estimator and models."""
    return f"{describe_estimator(cell.estimator).title} on {models_title(cell.models)}"


def protocol_title(protocol: str) -> str:
    """Name a protocol.

    Examples
    --------
    >>> protocol_title("speaker")
    'protocol speaker'
    """
    return f"protocol {protocol}"
