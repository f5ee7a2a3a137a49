"""What a reader of a table must know besides its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from reno_store.reports.tables.measures import MeasuredTable
from reno_store.reports.tables.wording import write_estimator
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies import PROTOCOLS, Cell, DatasetFacts, Study
from reno_store.studies.scores import COLLAPSED_NOTE

__all__ = ["study_notes", "table_notes"]

_MOST_NAMED = 6
"""Beyond this many folds or rows a note counts them instead of naming them."""


def study_notes(study: Study) -> tuple[str, ...]:
    """Say what holds for every table of a study."""
    scaled = (
        "Embeddings are scaled by the mean and standard deviation of each training fold."
        if study.request.standardize
        else "Embeddings are taken as stored, not scaled."
    )
    spread = (
        "Scores are in per cent. What stands behind ± is the standard deviation over folds (of "
        "all seeds, where there are several). Folds share clips, so it says how scores spread; it "
        "is no standard error of the mean."
    )
    return spread, scaled


def table_notes(study: Study, table: MeasuredTable) -> tuple[str, ...]:
    """Say what holds for one table: its folds, its clips, and what it lacks and why."""
    facts = study.dataset(table.dataset)
    cells = [row.cell for row in table.rows]
    computed = [cell for cell in cells if cell.computed]
    notes = [f"Protocol {table.protocol}: {PROTOCOLS[table.protocol].description}."]
    notes += _folds_note(computed, table.protocol)
    notes += _untested_note(computed, len(facts.labels))
    notes += _collapsed_note(computed)
    notes += _clips_notes(facts, study.request.min_clips)
    if table.beside_paper:
        notes.append(_paper_note(table.protocol))
    return (*notes, *_missing_notes(cells))


def _folds_note(computed: Sequence[Cell], protocol: str) -> list[str]:
    """Say what n is, once for each n that there is."""
    notes = []
    for n in sorted({cell.n for cell in computed}):
        cell = next(cell for cell in computed if cell.n == n)
        n_seeds, n_folds = len(cell.seeds), len(cell.outcomes[0])
        folds = f"{n_folds} fold{'s' if n_folds > 1 else ''}"
        if PROTOCOLS[protocol].one_fold_a_speaker:
            folds += ", one a speaker"
        seeds = ", ".join(map(str, cell.seeds))
        many = f"{n_seeds} seeds ({seeds}) of {folds}" if n_seeds > 1 else f"{folds} (seed {seeds})"
        lone = "; of one fold there is no standard deviation" if n == 1 else ""
        notes.append(f"n = {n}: {many}{lone}.")
    return notes


def _untested_note(computed: Sequence[Cell], n_labels: int) -> list[str]:
    """Name folds without a clip of some label."""
    lacking = dict.fromkeys(
        _name_fold(outcome.score.speaker, number, seed if len(cell.seeds) > 1 else None)
        for cell in computed
        for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=True)
        for number, outcome in enumerate(outcomes, start=1)
        if outcome.score.n_labels < n_labels
    )
    if not lacking:
        return []
    if len(lacking) > _MOST_NAMED:
        which = f"{len(lacking)} folds test"
    elif len(lacking) > 1:
        which = f"Folds {', '.join(lacking)} test"
    else:
        which = f"Fold {next(iter(lacking))} tests"
    return [
        f"{which} no clip of some labels: macro-F1 and balanced accuracy there are over the "
        "others, so compare folds and protocols with care."
    ]


def _collapsed_note(computed: Sequence[Cell]) -> list[str]:
    """Name cells that have not learned in some fold."""
    named = [
        f"{write_estimator(cell)} on {' + '.join(cell.models)} "
        f"({cell.n_collapsed} of {cell.n} folds)"
        for cell in computed
        if cell.n_collapsed
    ]
    if not named:
        return []
    if len(named) > _MOST_NAMED:
        named = [*named[:_MOST_NAMED], f"{len(named) - _MOST_NAMED} more"]
    return [COLLAPSED_NOTE.format(", ".join(named))]


def _name_fold(speaker: str, number: int, seed: int | None) -> str:
    """Name a fold by the speaker that it leaves out (whatever the seed), or by its number."""
    if speaker:
        return speaker
    return str(number) if seed is None else f"{number} (seed {seed})"


def _clips_notes(facts: DatasetFacts, min_clips: int) -> list[str]:
    notes = []
    if facts.n_left_out:
        notes.append(
            f"{facts.n_left_out:,} of {_n_stored(facts):,} clips are left out, "
            "since they lack an embedding."
        )
    if facts.rare_labels:
        notes.append(rare_labels_note(facts.rare_labels, min_clips))
    notes.append(
        "Always guessing the most frequent label gives an accuracy of "
        f"{100 * facts.majority:.1f} %."
    )
    return notes


def _n_stored(facts: DatasetFacts) -> int:
    return facts.n_clips + facts.n_left_out + sum(facts.rare_labels.values())


def _paper_note(protocol: str) -> str:
    told = (
        "paper: the value that the paper prints, an average of five folds; difference: the mean "
        "minus it, in points."
    )
    if PROTOCOLS[protocol].speaker_disjoint:
        told += (
            " The paper does not say that its folds keep speakers apart, as those here do, so the "
            "difference may be that of the protocols."
        )
    return told


def _missing_notes(cells: Sequence[Cell]) -> list[str]:
    """Say once for each reason which rows are empty, and what to type."""
    missing: dict[str, list[Cell]] = {}
    for cell in cells:
        if not cell.computed:
            missing.setdefault(_as_clause(cell.reason), []).append(cell)
    notes = []
    for reason, empty in missing.items():
        commands = dict.fromkeys(cell.command for cell in empty if cell.command)
        advice = f". What to type: {' ; '.join(commands)}" if commands else "."
        notes.append(f"Not computed ({_name_rows(empty)}): {reason}{advice}")
    return notes


def _as_clause(reason: str) -> str:
    return " ".join(reason.split()).removesuffix(".") or "the reason is not known"


def _name_rows(cells: Sequence[Cell]) -> str:
    by_models: dict[tuple[str, ...], list[str]] = {}
    for cell in cells:
        by_models.setdefault(cell.models, []).append(write_estimator(cell))
    if len(by_models) > _MOST_NAMED:
        return f"{len(cells)} rows"
    return "; ".join(
        f"{', '.join(estimators)} on {' + '.join(models)}"
        for models, estimators in by_models.items()
    )
