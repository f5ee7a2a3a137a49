"""Studies that differ from the made-up ones in what tables must bear."""

import functools
from dataclasses import replace

import factories.made_up_studies as made_up_studies
from factories.made_up_studies import make_cell

from reno_store.conclusions import Claim, Comparison

__all__ = [
    "ODD_NAMES",
    "change_cells",
    "conclude",
    "keep_folds",
    "make_study",
    "make_study_of_chance",
    "make_study_with_odd_names",
    "make_study_with_svm",
    "make_study_without_results",
    "rename",
    "score_alike",
]

# Studies cannot be changed, and scoring the folds of one takes a second.
make_study = functools.cache(made_up_studies.make_study)

ODD_NAMES = {
    "audio-mamba-tiny": "a|b_c%d",
    "wav2vec2-base": 'x&y#z{1}~^\\"',
    "mfcc": "[m]*<n>",
}


def change_cells(study, change):
    """Put something else in the place of each cell."""
    return replace(study, cells=tuple(change(cell) for cell in study.cells))


def make_study_without_results(**how):
    """Everything was asked for, nothing computed."""
    lacking = ("audio-mamba-tiny", "wav2vec2-base", "mfcc")
    return make_study(lacking=lacking, **({"datasets": ("jnv",)} | how))


def make_study_of_chance(**how):
    """Nothing was learnt: every cell guesses."""
    study = make_study(**how)
    return change_cells(
        study,
        lambda cell: replace(
            cell,
            outcomes=make_cell(
                cell.models, cell.estimator, skill=0.0, seed=study.cells.index(cell)
            ).outcomes,
        ),
    )


def keep_folds(study, n):
    """Keep the first folds of each seed."""
    return change_cells(
        study, lambda cell: replace(cell, outcomes=tuple(each[:n] for each in cell.outcomes))
    )


def score_alike(study, cell, like):
    """Give a cell the outcomes of another."""
    return change_cells(
        study, lambda each: replace(each, outcomes=like.outcomes) if each is cell else each
    )


def rename(study, names):
    """Call models otherwise, in the facts, the cells and their reasons and remedies."""

    def reword(words):
        for old, new in names.items():
            words = words.replace(old, new)
        return words

    def renamed(arguments):
        return {name: reword(value) for name, value in arguments.items()}

    changed = change_cells(
        study,
        lambda cell: replace(
            cell,
            models=tuple(names.get(name, name) for name in cell.models),
            reason=reword(cell.reason),
            remedy=cell.remedy and replace(cell.remedy, arguments=renamed(cell.remedy.arguments)),
        ),
    )
    models = tuple(replace(each, name=names.get(each.name, each.name)) for each in study.models)
    return replace(changed, models=models)


def make_study_with_odd_names(**how):
    return rename(make_study(**how), ODD_NAMES)


def make_study_with_svm(**how):
    """Put an SVM on each model, and on each pair, beside the paper's four."""
    study = make_study(protocols=("paper",), **how)
    cells = []
    for estimator in ("fcn", "concat"):
        cells += [
            make_cell(cell.models, "svm", dataset=cell.dataset, seeds=cell.seeds, seed=100 + number)
            for number, cell in enumerate(study.select(estimator=estimator))
        ]
    request = replace(study.request, estimators=(*study.request.estimators, "svm"))
    return replace(study, cells=(*study.cells, *cells), request=request)


def conclude(study):
    """A comparison whose numbers are not all known, and a claim that rests on it."""
    first = next(study.select(estimator="reno"))
    second = next(study.select(estimator="concat"))
    nothing = float("nan")
    comparison = Comparison(
        kind="reno-concat",
        first=first,
        second=second,
        metric="accuracy",
        difference=0.0125,
        interval=(-0.05, nothing),
        t=nothing,
        df=4.0,
        p=nothing,
        p_holm=nothing,
        n_family=1,
        verdict="inconclusive",
    )
    claim = Claim(
        kind="reno-concat",
        title="RENO vs concatenation",
        dataset="jnv",
        protocol="paper",
        comparisons=(comparison,),
        why="1 of 1 pairs <differ>",
    )
    return (claim,), (comparison,)
