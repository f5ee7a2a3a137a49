"""Why a claim could not be tested."""

from __future__ import annotations

from collections.abc import Sequence

from reno_store.conclusions.comparisons import Kind
from reno_store.studies import Cell, Study
from reno_store.studies.classifiers import describe_estimator
from reno_store.studies.study import Family

__all__ = ["why_not_tested"]

_FAMILIES: Sequence[tuple[Family, str]] = (
    ("mamba", "Audio-Mamba model"),
    ("attention", "attention-based model"),
)
_SIDES: dict[Kind, tuple[str, str]] = {
    "mamba-attention": ("fcn", "cnn"),
    "cnn-fcn": ("cnn", "fcn"),
    "reno-concat": ("reno", "concat"),
}


def why_not_tested(study: Study, kind: Kind, dataset: str, protocol: str) -> str:
    """Say what a study lacks for a claim, on one dataset under one protocol.

    Parameters
    ----------
    study : Study
        It has no comparison of this kind there.
    kind : str
        That of one of the paper's claims.
    dataset, protocol : str
        Where.
    """
    sides = _SIDES[kind]
    cells = {
        name: list(study.select(dataset=dataset, protocol=protocol, estimator=name))
        for name in sides
    }
    if kind == "mamba-attention":
        if lacking := _families(study, [*cells[sides[0]], *cells[sides[1]]]):
            return lacking
        return "no classifier was evaluated on models of both kinds"
    for name in sides:
        title = describe_estimator(name).title
        if name not in study.request.estimator_names:
            return f"{title} was not asked for"
        if not cells[name]:
            models = "pair of models" if kind == "reno-concat" else "single model"
            return f"the study has no {models}"
        if not any(cell.computed for cell in cells[name]):
            return f"{title} was not evaluated: {_reason(cells[name])}"
    titles = " and ".join(describe_estimator(name).title for name in sides)
    return f"no models were evaluated with both {titles}"


def _families(study: Study, cells: Sequence[Cell]) -> str:
    """Say which family of models is missing; empty where both were evaluated."""
    if not set(study.request.estimator_names) & set(_SIDES["mamba-attention"]):
        return "neither FCN nor CNN was asked for"
    for family, title in _FAMILIES:
        names = {model.name for model in study.models if model.family == family}
        own = [cell for cell in cells if set(cell.models) <= names]
        if not own:
            return f"the study has no {title}"
        if not any(cell.computed for cell in own):
            return f"no {title} was evaluated: {_reason(own)}"
    return ""


def _reason(cells: Sequence[Cell]) -> str:
    """Give the reasons why cells were not computed: the first, and how many others."""
    reasons = list(dict.fromkeys(cell.reason for cell in cells))
    n_more = len(reasons) - 1
    more = f" (and {n_more} other reason{'s' if n_more > 1 else ''})" if n_more else ""
    return reasons[0].removesuffix(".") + more
